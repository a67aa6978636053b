"""A request to train with the weights of another run: go on with its training, or take them as a start.

A training that goes on does so in a folder of its own: the run that it comes from stays as it is.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isthmus.core.errors import InputError
from isthmus.core.folder_names import check_folder_name
from isthmus.recipes.recipe import Recipe, apply, resolve
from isthmus.recipes.training_length import Budget, budget
from isthmus.run_files.environment import Environment
from isthmus.run_files.read import read_record
from isthmus.run_files.training import TrainingRecord
from isthmus.runs.run_folder import is_trained, read_environment, read_recipe
from isthmus.runs.start import Start, own_images

# changed, these leave optimizer state, order of images and comparison of epochs as they were
_GO_ON = frozenset(
    f"train.{name}"
    for name in (
        *("epochs", "least_steps", "steps", "seconds", "patience_epochs", "learning_rate", "schedule"),
        *("weight_decay", "clip_norm", "device", "precision", "kernels", "recompute", "capture", "threads"),
    )
)
_LONGEST = 80  # characters of a name that isthmus makes
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")

Options = Mapping[str, Any]


def longer(home: Path, out: Path | None, options: Options) -> tuple[Recipe, Path, Start]:
    """The recipe, the folder and the start of a training that goes on with the run in `home`.

    options: such as {"train.epochs": 50}, the number of epochs in all. Raises InputError where the run is unfinished,
    where an option makes it another training, and where nothing would be left to train.
    """
    others = sorted(options.keys() - _GO_ON - {"name"})
    theirs = read_recipe(home)
    if others:
        words = shlex.join(f"{name}={options[name]}" for name in options)
        raise InputError(
            f"{others[0]}: a training cannot go on with another value; `isthmus train --from {shlex.quote(str(home))} "
            f"{words}` takes the run's weights as the start of a new training"
        )
    if not is_trained(home):
        raise InputError(f"{home}: is unfinished; `isthmus train {shlex.quote(str(home))} --resume` ends it first")
    environment = read_environment(home)
    recipe = _changed(theirs, _in_same_epochs(theirs, environment, options), named_after=options)
    _check_longer(home, recipe, environment)
    folder = out or Path("runs") / recipe.name
    return with_own_images(recipe, home, folder), folder, Start(home, goes_on=True)


def changed(theirs: Recipe, options: Options) -> Recipe:
    """A run's recipe with changes, under a name that says them."""
    asked = {"train.least_steps": 0} if "train.epochs" in options else {}  # as `load_recipe` does
    return _changed(theirs, {**asked, **options}, named_after=options)


def _changed(theirs: Recipe, options: Options, *, named_after: Options) -> Recipe:
    name = _named(theirs.name, named_after)
    recipe = resolve(apply(theirs.table(), {"name": name, **options}))
    check_folder_name(recipe.name, "name")
    return recipe


def with_own_images(recipe: Recipe, home: Path, folder: Path) -> Recipe:
    """The recipe with its images in `folder`, if the run in `home` keeps images that were given in Python."""
    path = own_images(home, folder)
    if path is None or read_recipe(home).data != recipe.data:
        return recipe
    return resolve(apply(recipe.table(), {"data.path": os.path.abspath(path)}))


def _named(name: str, options: Options) -> str:
    """`vae` -> `vae-epochs-50`; `vae-again` without changes."""
    said = [f"{key.rpartition('.')[2]}-{value}" for key, value in options.items() if not _unsaid(key)]
    if isinstance(path := options.get("data.path"), str):
        said.append(Path(path).stem)
    made = _NO_NAME.sub("-", "-".join([name, *(said or ["again"])]))
    return made[:_LONGEST].rstrip(".-")


def _unsaid(option: str) -> bool:
    return option == "name" or option.startswith("data.")


def _in_same_epochs(theirs: Recipe, environment: Environment, options: Options) -> Options:
    """The options with epochs as long as the run's: of few images, one is several passes over them."""
    passes = 1 if environment.schedule is None else environment.schedule.passes_per_epoch
    epochs, images = options.get("train.epochs"), environment.data.train_images
    if "train.least_steps" in options or epochs is None or images is None:
        return options
    steps = epochs * passes * -(-images // theirs.train.batch) if passes > 1 and isinstance(epochs, int) else 0
    return {**options, "train.least_steps": steps}


def _check_longer(home: Path, recipe: Recipe, environment: Environment) -> None:
    """Raise InputError where the run has already been trained as long as the recipe asks."""
    images, done = environment.data.train_images, read_record(home / "training.json", TrainingRecord)
    if images is None:
        raise InputError(f"{home}: does not say on how many images it was trained, so it cannot go on; train anew")
    ours = budget(recipe, images)
    if environment.schedule is not None and environment.schedule.passes_per_epoch != ours.passes:
        raise InputError(
            f"train.least_steps: makes an epoch of {ours.passes} passes over the images, and the run in {home} had "
            f"{environment.schedule.passes_per_epoch}; leave it out"
        )
    for option, asked, had in _limits(recipe, ours, done):
        if asked is not None and asked <= had:
            raise InputError(
                f"{option}: {asked:,} in all are asked for, and {home} has trained {had:,.6g} already; ask for more"
            )


def _limits(recipe: Recipe, ours: Budget, done: TrainingRecord) -> list[tuple[str, float | None, float]]:
    return [
        ("train.epochs", ours.recipe.train.epochs, done.epochs),
        ("train.steps", recipe.train.steps, done.steps),
        ("train.seconds", recipe.train.seconds, done.seconds),
    ]
