"""Read a run folder: its recipe, its environment, and its progress."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe, apply, as_written_then, read_toml, resolve
from isthmus.run_files.arrays import check_pictures, read_scores
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.needed_packages import check_packages
from isthmus.run_files.read import holds, read_record
from isthmus.run_files.remedies import RESTORE
from isthmus.run_files.training import TrainingRecord
from isthmus.runs.belonging import belongs
from isthmus.runs.moved_images import moved_images


def read_recipe(folder: Path) -> Recipe:
    """The resolved recipe of a run folder. Raises InputError where `folder` is no run."""
    check_is_run(folder)
    path = folder / "recipe.toml"
    try:
        table = read_toml(path, RESTORE)
        if "train" not in table:  # written last: a file cut between two lines would read as a recipe of defaults
            raise InputError(f"has no [train], so it is not whole; {RESTORE}")
        check_packages(folder)
        recipe = resolve(as_written_then(table))
        moved = moved_images({"kind": recipe.data.kind, **recipe.data.options}, folder)
        return recipe if moved is None else resolve(apply(recipe.table(), {"data.path": str(moved)}))
    except InputError as error:
        sentence = str(error)
        raise InputError(sentence if sentence.startswith(str(folder)) else f"{path}: {sentence}") from None


def check_is_run(folder: Path) -> None:
    """Raise InputError where `folder` is no run; of a study, it names the runs."""
    path = folder / "recipe.toml"
    if path.is_file():
        return
    if is_begun(folder):
        what = "is no ordinary file" if os.path.lexists(path) else "is missing"
        raise InputError(f"{path}: {what}; {RESTORE}")
    held = sorted(str(home.parent) for home in folder.glob("*/seed-*/recipe.toml"))
    if held:
        raise InputError(f"{folder}: a study, not a run; name one of the runs in it: {', '.join(held)}")
    raise InputError(f"{folder}: not a run folder (no recipe.toml); `isthmus train` makes one")


def read_environment(folder: Path) -> Environment:
    """environment.json of a run. Raises RunError if it does not record how and on which images the run was trained."""
    return read_record(folder / "environment.json", Environment)


def is_begun(folder: Path) -> bool:
    """Whether the folder holds a checkpoint, so that deleting the folder would lose work."""
    return (folder / "checkpoints").is_dir()


def is_trained(folder: Path) -> bool:
    """Whether training.json exists and is complete; if it is damaged, resuming writes it again."""
    return holds(folder / "training.json", TrainingRecord)


def is_evaluated(folder: Path) -> bool:
    """Whether a complete evaluation of this run exists; if it is damaged or another's, evaluating writes it again."""
    try:
        evaluation = read_record(folder / "evaluation.json", EvaluationRecord)
        rows = read_scores(folder / "per_image.parquet")
        with suppress(FileNotFoundError):  # pages do without
            check_pictures(folder / "pictures.safetensors")
    except (OSError, RunError):
        return False
    whole = evaluation.is_whole and evaluation.data.test_images == len(rows["model_psnr"])
    return whole and belongs(evaluation, folder)


def is_finished(folder: Path) -> bool:
    """Whether the run is trained and evaluated: nothing is left to do, and comparing it needs no checkpoint."""
    return is_trained(folder) and is_evaluated(folder)


def check_data(folder: Path, splits: Splits) -> Environment:
    """The run's environment, after checking that `splits` are the images that the run was trained on."""
    environment = read_environment(folder)
    if environment.data.hash != splits.hash:
        raise InputError(
            f"{folder}: the images at {splits.source} are not those it was trained on; restore them, "
            "or train on these with another --out"
        )
    return environment
