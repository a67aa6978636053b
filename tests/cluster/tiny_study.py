"""A study of tiny runs, what they come to, and what their logs say of the processes that did them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.study_toml import study_toml

_BITS = ("recipe.toml", "per_image.parquet", "checkpoints/best/model.safetensors")
_TIMES = ("images_per_second", "train_seconds")


def write_study(path: Path, dims: range, seeds: int, epochs: int) -> None:
    """A variation for each size of the latent, named after it; five steps an epoch."""
    rows = "".join(f'[[variation]]\nname = "d{dim}"\nchanges = {{ bottleneck.dim = {dim} }}\n' for dim in dims)
    head, data = [f"seeds = {seeds}"], ["train = 80", "test = 12"]
    train = [f"epochs = {epochs}", "batch = 16", 'device = "cpu"', 'precision = "fp32"']
    path.write_text(study_toml(rows, head=head, data=data, train=train))


def runs_in(study: Path) -> list[Path]:
    return sorted(study.glob("*/seed-*"))


def result(study: Path) -> dict[str, Any]:
    """What the study comes to: its findings without times and command, and its runs' files to the bit."""
    found = json.loads((study / "findings.json").read_text())
    del found["command"]
    for row in found["variations"]:
        for name in _TIMES:
            row["cost"].pop(name)
    files = [run / name for run in runs_in(study) for name in _BITS]
    bits = {str(file.relative_to(study)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    return {"findings": found, "bits": bits}


@dataclass(frozen=True)
class Told:
    """What a run's job.log tells. starts: the step at which each of its processes began. epochs: how many they did."""

    processes: tuple[int, ...]
    starts: tuple[int, ...]
    epochs: int
    done: int


def told(run: Path) -> Told:
    log = run / "job.log"
    text = log.read_text(errors="replace") if log.is_file() else ""

    def numbers(pattern: str) -> tuple[int, ...]:
        return tuple(int(number.replace(",", "")) for number in re.findall(pattern, text, re.MULTILINE))

    return Told(
        processes=numbers(r"^isthmus: process (\d+) on "),
        starts=numbers(r"^isthmus: step ([\d,]+) of "),
        epochs=len(numbers(r"^isthmus: epoch ([\d,]+): ")),
        done=len(re.findall(r"^isthmus: done$", text, re.MULTILINE)),
    )


def process_in(run: Path) -> int | None:
    """The process that is at work on a run on this computer, once it has surely saved an epoch and may do more."""
    said = told(run)
    if not said.processes or said.epochs < 2 or said.done or not is_of(said.processes[-1], run):
        return None
    return said.processes[-1]


def is_of(process: int, run: Path) -> bool:
    """Whether a process that lives does this run: numbers are used again."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"isthmus.runs.executors.one" in words and run.parent.name.encode() in words


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def parent_of(process: int) -> int:
    return int(re.findall(r"^PPid:\s*(\d+)", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)[0])
