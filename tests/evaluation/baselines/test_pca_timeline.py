"""Since when a run is below PCA: counted from its log, and never guessed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from isthmus.evaluation.baselines.pca_timeline import Course, Moment, follow
from isthmus.run_files.evaluation import AgainstPca

PCA = 0.02


def line(epoch: int, ratio: float, **changes: Any) -> str:
    """An epoch's line with an error of `ratio` times PCA's; 100 steps and 7 seconds an epoch."""
    known = {"kind": "epoch", "step": 100 * epoch, "epoch": epoch, "seconds": 7.0 * epoch, "best": True}
    return json.dumps({**known, "validation_mse": ratio * PCA, **changes})


def written(folder: Path, *lines: str) -> Path:
    """A journal that has the lines of steps between those of epochs, as training leaves it."""
    step = json.dumps({"kind": "train", "step": 50, "epoch": 1, "seconds": 3.0, "loss": 0.1})
    journal = folder / "metrics.jsonl"
    journal.write_text("".join(f"{step}\n{one}\n" for one in lines))
    return journal


def at(epoch: int) -> Moment:
    return Moment(epoch=epoch, step=100 * epoch, seconds=7.0 * epoch)


@pytest.mark.parametrize(
    ("ratios", "kept", "since", "lowest"),
    [
        ((1.5, 0.9, 0.8), 3, 2, 0.8),
        ((0.9, 0.8, 0.7), 3, 1, 0.7),
        ((0.9, 1.1, 0.8), 3, 3, 0.8),  # not for good at first
        ((1.1, 0.8, 1.2), 2, 2, 0.8),  # what came after the kept weights is not theirs
        ((1.1, 0.8, 1.2), 3, None, 0.8),
        ((1.5, 1.4, 1.3), 3, None, 1.3),
        ((1.5, 1.0, 1.0), 3, None, 1.0),  # equal is not below
        ((0.9, math.nan, 0.8), 3, 3, 0.8),
    ],
)
def test_below_for_good_up_to_the_kept_weights(
    tmp_path: Path, ratios: tuple[float, ...], kept: int, since: int | None, lowest: float
) -> None:
    journal = written(tmp_path, *(line(epoch, ratio) for epoch, ratio in enumerate(ratios, 1)))
    course = follow(journal, PCA, epochs=3, kept=kept)
    assert course.since == (None if since is None else at(since))
    assert (course.pca_mse, course.epochs, course.lowest_ratio) == (PCA, 3, pytest.approx(lowest))


@pytest.mark.parametrize(
    ("ratios", "kept", "since"),
    [
        ((1.0, 0.9, 0.8), 2, 0),
        ((1.0004, 0.9, 0.8), 2, 0),  # PCA as bf16 rounds it
        ((1.0, 1.2, 1.1), 0, 0),  # training made it worse, and the start was kept
        ((1.002, 0.9, 0.8), 2, 1),
        ((1.0, 1.0002, 0.8), 2, 2),  # rounding excuses the start alone
        ((6.0, 0.9, 0.8), 2, 1),
    ],
)
def test_a_run_that_starts_as_pca_is_there_from_the_start(
    tmp_path: Path, ratios: tuple[float, ...], kept: int, since: int
) -> None:
    journal = written(tmp_path, *(line(epoch, ratio) for epoch, ratio in enumerate(ratios)))
    assert follow(journal, PCA, epochs=2, kept=kept).since == at(since)


def test_the_last_line_of_an_epoch_counts(tmp_path: Path) -> None:
    """A run that was killed and resumed may have gone through an epoch twice."""
    journal = written(tmp_path, line(1, 1.5), line(2, 0.5), line(2, 0.9, seconds=20.0))
    course = follow(journal, PCA, epochs=2, kept=2)
    assert course.since == Moment(epoch=2, step=200, seconds=20.0)
    assert course.lowest_ratio == pytest.approx(0.9)


@pytest.mark.parametrize(
    "second",
    [
        '{"kind": "epoch", "st',
        "[2]",
        "",
        line(2, 0.9, seconds=None),
        line(2, 0.9, validation_mse="small"),
        line(2, 0.9, step=math.inf),
        line(2, 0.9, kind="train"),
    ],
)
def test_an_epoch_that_cannot_be_read_leaves_it_unknown(tmp_path: Path, second: str) -> None:
    """It could have been above PCA."""
    journal = written(tmp_path, line(1, 0.9), second, line(3, 0.8))
    assert follow(journal, PCA, epochs=3, kept=3) == Course(pca_mse=PCA)


def test_a_step_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    journal = written(tmp_path, line(1, 0.9), '{"kind": "train", "ste', line(2, 0.8))
    assert follow(journal, PCA, epochs=2, kept=2).since == at(1)


def test_without_a_log_only_pca_is_known(tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 20)
    for journal in (tmp_path / "missing", tmp_path, tmp_path / "noise"):
        assert follow(journal, PCA, epochs=2, kept=2).model_dump(exclude_unset=True) == {"pca_mse": PCA}


def test_a_pca_without_error_has_no_ratio(tmp_path: Path) -> None:
    assert follow(written(tmp_path, line(1, 1.0)), 0.0, epochs=1, kept=1) == Course(pca_mse=0.0)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    course = follow(written(tmp_path, line(1, 1.1), line(2, 0.9)), PCA, epochs=2, kept=2)
    text = json.dumps({"psnr": {}, "validation": course.model_dump(exclude_unset=True)}, allow_nan=False)
    assert AgainstPca.model_validate_json(text).validation == course
    assert AgainstPca.model_validate({"psnr": {}}).validation == Course()
