"""A run that begins with the weights of another run: what is checked, and what its folder keeps of that run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from isthmus.core.atomic_files import replacing, write_bytes
from isthmus.core.bounded_reading import open_ordinary, read_bytes
from isthmus.core.errors import InputError
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.start import StartRecord
from isthmus.runs.claim import differences, locked
from isthmus.runs.moved_images import moved_images
from isthmus.runs.run_folder import check_data, is_begun, is_finished, read_environment, read_recipe
from isthmus.runs.start import Start, own_images, start_of
from isthmus.training.start import weights_of


def check_start(folder: Path, start: Start | None) -> None:
    """Raise InputError where the folder holds a run that began otherwise."""
    if not (is_begun(folder) or is_finished(folder)):
        return
    held = start_of(folder)
    if start is None and held is not None:
        raise InputError(
            f"{folder}: holds a run that began with the weights of {held.run}; `isthmus train {folder}` goes on with "
            "it or shows it, another --out begins anew"
        )
    if start is not None and held is None:
        raise InputError(f"{folder}: holds a run that began with new weights; choose another --out")
    if start is not None and held is not None and (held.goes_on, _place(held)) != (start.goes_on, _place(start)):
        raise InputError(f"{folder}: holds a run that began with the weights of {held.run}; choose another --out")


def _place(start: Start) -> str:
    return os.path.realpath(start.run)


def record_of(start: Start, recipe: Recipe, splits: Splits) -> StartRecord:
    """start.json of a run of `recipe` that has not begun.

    Raises InputError where the other run holds no weights, and where its training goes on with other images.
    """
    if start.goes_on:
        check_data(start.run, splits)
    found = weights_of(start.run, goes_on=start.goes_on)
    if start.weights and found.hash != start.weights:
        raise InputError(
            f"{start.run}: the weights that this run began with are no longer there; begin anew with --from"
        )
    theirs = read_recipe(start.run)
    if theirs.model.linear != recipe.model.linear:  # a network with a linear path learns only what is left to do
        raise InputError(
            f"model.linear: is {theirs.model.linear} in {start.run} and {recipe.model.linear} here, and the weights of "
            f"one make no sense in the other; set model.linear={theirs.model.linear}, or leave out --from"
        )
    between = differences(_without_place(theirs), _without_place(recipe))
    return StartRecord(
        run=os.path.abspath(start.run),
        name=theirs.name,
        goes_on=start.goes_on,
        weights=found.hash,
        which=found.which,
        epoch=found.progress.epoch,
        same_images=read_environment(start.run).data.hash == splits.hash,
        differences=tuple(between),
    )


def _without_place(recipe: Recipe) -> dict[str, object]:
    table = recipe.table()
    return {key: value for key, value in table.items() if key != "name"}


def keep_log(start: Start, folder: Path) -> None:
    """Where a training goes on, its log so far becomes the beginning of the new run's."""
    if start.goes_on and (start.run / "metrics.jsonl").is_file():
        write_bytes(folder / "metrics.jsonl", read_bytes(start.run / "metrics.jsonl"))


def keep_images(start: Start, folder: Path, recipe: Recipe) -> None:
    """Copy the images that were given in Python for the other run, so that the new run does not need its folder."""
    if is_begun(folder):  # the other run may be gone by now
        return
    path = own_images(start.run, folder)
    if path is None or recipe.data.options.get("path") != os.path.abspath(path) or os.path.lexists(path):
        return
    theirs = read_recipe(start.run).data
    source = moved_images({"kind": theirs.kind, **theirs.options}, start.run)
    if source is None:
        return
    with locked(folder), open_ordinary(source) as images, replacing(path) as file:
        shutil.copyfileobj(images, file)
