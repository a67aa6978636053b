"""The JSON files of a study hold the keys and values that they held before they had typed descriptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ROOT
from tests.study_toml import study_toml

from isthmus.inference.export import export_run
from isthmus.recipes.study_plan import load_plan
from isthmus.runs.study import study

# as commit 23f22ce wrote them, from dictionaries put together by hand
BEFORE = ROOT / "tests" / "fixtures" / "files-23f22ce.json"
VARIATIONS = """[[variation]]
name = "noisy"
note = "a note"
changes = {"corruption.kind" = "gaussian", "corruption.std" = 0.1}
[[variation]]
name = "gaussian"
compare = ["noisy"]
changes = {"bottleneck.kind" = "gaussian", "bottleneck.dim" = 3, "distortion.kind" = "gaussian", \
"objective.weights" = {kl = 1.0}}
"""
STUDY = study_toml(
    VARIATIONS,
    head=['name = "small"', 'about = "two networks"', "seeds = [0]", "[budget]", "seconds = 100000.0"],
    data=["train = 60", "test = 10", "size = 12"],
    train=["batch = 16", "epochs = 2", 'device = "cpu"', 'precision = "fp32"', 'kernels = "torch"', "threads = 1"],
)
# clocks, the machine, and the version; digests are of weights, whose last bits are a machine's own
OTHERWISE = {
    *("seconds", "train_seconds", "images_per_second", "expected", "started", "digests"),
    *("sentence", "remedy", "intervals", "notices"),  # words, which may be said better
    *("commit", "versions", "hardware", "threads", "command", "largest_difference_from_pytorch"),
}
NEW = {"measures", "parts", "test_hash", "depth", "range", "against_noisy", "explained_variance", "chosen_on"}
NEW |= {"same_weights_as", "keep_optimizer", "processes"}
GONE = {"mig", "dci"}  # of so few images


def files_of(place: Path) -> dict[str, Any]:
    """file -> its content, of a study made in `place`."""
    (place / "small.toml").write_text(STUDY)
    for _ in study(load_plan(str(place / "small.toml"), {}), place / "study", place / "cache", command=""):
        pass
    export_run(place / "study/noisy/seed-0")
    found = {
        file.relative_to(place).as_posix(): json.loads(file.read_text())
        for file in sorted((place / "study").rglob("*.json"))
    }
    for file in sorted((place / "study").rglob("metrics.jsonl")):
        found[file.relative_to(place).as_posix()] = [json.loads(line) for line in file.read_text().splitlines()]
    return found


def assert_same(before: Any, after: Any, path: str) -> None:
    if isinstance(before, dict):
        assert before.keys() - GONE == after.keys() - (NEW - before.keys()), path
        for key, value in before.items():
            if key not in OTHERWISE | GONE:
                assert_same(value, after[key], f"{path}.{key}")
    elif isinstance(before, list):
        assert len(before) == len(after), path
        for index, pair in enumerate(zip(before, after, strict=True)):
            assert_same(*pair, f"{path}[{index}]")
    elif isinstance(before, float):
        assert after == pytest.approx(before, rel=1e-3, abs=1e-4, nan_ok=True), path
    else:
        assert (type(before), before) == (type(after), after), path


def test_files_hold_the_same_keys_and_values(tmp_path: Path) -> None:
    before, after = json.loads(BEFORE.read_text()), files_of(tmp_path)
    assert before.keys() == after.keys() - {"study/version.json"}  # newer
    for file, content in before.items():
        assert_same(content, after[file], file)
