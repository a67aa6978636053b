"""Whether an evaluation is of the run in its folder: files get copied between folders, and runs get trained again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.recipes.recipe import Raw, read_toml
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import Checkpoint, EvaluationRecord
from isthmus.run_files.read import read_or_none
from isthmus.run_files.state import Progress, State
from isthmus.run_files.training import TrainingRecord


def belongs(evaluation: EvaluationRecord, folder: Path) -> bool:
    """Whether no other file of the run contradicts the evaluation; a missing or damaged file contradicts nothing."""
    recipe, seconds = written_recipe(folder), evaluation.cost.train_seconds
    trained_on = read_or_none(folder / "environment.json", Environment)
    claims = [
        (evaluation.name, recipe.get("name")),
        (evaluation.seed, recipe.get("seed")),
        (evaluation.data.hash or None, None if trained_on is None else trained_on.data.hash),
        # measured to the microsecond: no two trainings take equally long
        (None if math.isnan(seconds) else seconds, _train_seconds(folder)),
    ]
    agree = all(None in claim or claim[0] == claim[1] for claim in claims)
    return agree and _are_scored(evaluation.checkpoint, folder)


def _are_scored(scored: Checkpoint, folder: Path) -> bool:
    """Whether the folder still holds the checkpoint that was scored, as far as can be known."""
    if scored.step is None or scored.epoch is None or scored.which not in ("best", "last"):
        return True
    held = [(progress.step, progress.epoch) for progress in _saved(folder, scored.which)]
    return not held or (scored.step, scored.epoch) in held


def _train_seconds(folder: Path) -> float | None:
    """How long the run trained; its last checkpoint knows where it was trained on since training.json was written."""
    record = read_or_none(folder / "training.json", TrainingRecord)
    return next((progress.seconds for progress in _saved(folder, "last")), None) if record is None else record.seconds


def _saved(folder: Path, which: str) -> Iterator[Progress]:
    """The progress of each checkpoint of this name, under all names that `checkpoint.load` tries."""
    for name in (which, f"{which}.new", f"{which}.old"):
        if (state := read_or_none(folder / "checkpoints" / name / "state.json", State)) is not None:
            yield state.progress


def written_recipe(folder: Path) -> Raw:
    """The tables of a run's recipe.toml as they are written; empty where it is missing or damaged."""
    try:
        return read_toml(folder / "recipe.toml")
    except InputError:
        return {}
