"""Small studies that several processes share, and whether two of them came out the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.study_toml import NARROW_AND_WIDE, study_toml

_OF_THE_MACHINE = ("command", "train_seconds", "images_per_second")


def six_runs(folder: Path, *, epochs: int = 2, train: int = 48) -> Path:
    """A study file of two variations and three seeds."""
    path = folder / "six.toml"
    lines = [f"epochs = {epochs}", "batch = 16", 'device = "cpu"', 'precision = "fp32"', "threads = 1"]
    data = [f"train = {train}", "test = 12", "size = 16"]
    path.write_text(study_toml(NARROW_AND_WIDE, head=["seeds = 3"], data=data, dim=2, train=lines))
    return path


def results(study: Path) -> dict[str, Any]:
    """All that must be the same to the bit wherever the runs of a study were done: findings, scores, weights."""
    files = [
        *study.glob("*/seed-*/per_image.parquet"),
        *study.glob("*/seed-*/pictures.safetensors"),
        *study.glob("*/seed-*/checkpoints/best/model.safetensors"),
    ]
    bits = {str(path.relative_to(study)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}
    return {**bits, "findings": _without_machine(json.loads((study / "findings.json").read_text()))}


def _without_machine(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_machine(inner) for key, inner in value.items() if key not in _OF_THE_MACHINE}
    return [_without_machine(inner) for inner in value] if isinstance(value, list) else value
