"""Read a run folder: its recipe, its environment, and its progress."""

from __future__ import annotations

from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe, as_written_then, read_toml, resolve
from isthmus.run_files.arrays import read_scores
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.needed_packages import check_packages
from isthmus.run_files.read import holds, read_record
from isthmus.run_files.training import TrainingRecord


def read_recipe(folder: Path) -> Recipe:
    """The resolved recipe of a run folder. Raises InputError if `folder` is not a run."""
    path = folder / "recipe.toml"
    if not path.is_file():
        held = sorted(str(home.parent) for home in folder.glob("*/seed-*/recipe.toml"))
        if held:
            raise InputError(f"{folder}: a study, not a run; name one of the runs in it: {', '.join(held)}")
        raise InputError(f"{folder}: not a run folder (no recipe.toml); `isthmus train` makes one")
    try:
        table = read_toml(path)
        if "train" not in table:  # the last table: a file cut between two lines would look like a recipe with defaults
            raise InputError("has no [train], so it is not whole; restore it from a copy, or train again")
        check_packages(folder)
        return resolve(as_written_then(table))
    except InputError as error:
        sentence = str(error)
        raise InputError(sentence if sentence.startswith(str(folder)) else f"{path}: {sentence}") from None


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
    """Whether the evaluation exists and is complete; if it is damaged, evaluating writes it again."""
    try:
        evaluation = read_record(folder / "evaluation.json", EvaluationRecord)
        rows = read_scores(folder / "per_image.parquet")
    except (OSError, RunError):
        return False
    return evaluation.is_whole and evaluation.data.test_images == len(rows["model_psnr"])


def check_data(folder: Path, splits: Splits) -> Environment:
    """The run's environment, after checking that `splits` are the images that the run was trained on."""
    environment = read_environment(folder)
    if environment.data.hash != splits.hash:
        raise InputError(
            f"{folder}: the images at {splits.source} are not those it was trained on; restore them, "
            "or train on these with another --out"
        )
    return environment
