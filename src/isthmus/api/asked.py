"""A request from the command line or Python, parsed: a recipe or a study, and the folder for its results.

Nothing here loads torch, so that wrong input is reported at once.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.api.asked_start import changed, longer, with_own_images
from isthmus.api.given import given_images
from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.wording import shown
from isthmus.data.given_images import FILES, GivenImages
from isthmus.data.source_kinds import kind_of
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import Plan, builtin, load_plan, load_recipe
from isthmus.runs.moved_images import moved_in
from isthmus.runs.run_folder import check_is_run, read_recipe
from isthmus.runs.start import Start, start_of

Data = Any
"""A data set's kind, options or path, or images: see `isthmus.train`."""
Options = Mapping[str, Any]


@dataclass(frozen=True)
class AskedRun:
    """A recipe, the run folder, the images if they were given in Python, and the run that it starts with, if any."""

    recipe: Recipe
    folder: Path
    images: GivenImages | None = None
    start: Start | None = None


@dataclass(frozen=True)
class AskedStudy:
    """A study, its folder, and the images if they were given in Python."""

    plan: Plan
    folder: Path
    images: GivenImages | None = None


def asked_run(name: str, out: Path | None, options: Options, data: Data = None, start: Path | None = None) -> AskedRun:
    """The recipe `name` with its changes, or the run folder `name` with its own recipe. Raises InputError.

    start: the run whose weights are taken as a start; its own recipe is meant where `name` is empty.
    """
    options = _plain(options)
    name = str(start) if start is not None and not name else name
    home = expanded(name or ".", "recipe")
    is_run = (home / "recipe.toml").is_file()
    if start is None and (is_run or (name and home.is_dir() and name.partition("/")[0] not in builtin())):
        if data is not None:
            raise InputError(
                f"{name}: a run goes on with its own images; for others, take its weights as a start (`isthmus train "
                f"--from {shlex.quote(name)} data.path=PATH`, start= in Python)"
            )
        if options:
            recipe, folder, goes_on = longer(home, out, options)
            return AskedRun(recipe, folder, start=goes_on)
        return AskedRun(read_recipe(home), out or home, start=start_of(home))
    if start is not None:
        check_is_run(start)

    def recipe_in(folder: Path | None) -> Recipe:
        if is_run:
            return changed(read_recipe(home), {**_data_options(data, images, folder), **options})
        return load_recipe(name, {**_asked_data(name, data, images, folder), **options})

    images = given_images(data, options)
    options = _without_layout(options, images)
    recipe = recipe_in(out)
    registry.build("datasets", recipe.data.kind, recipe.data.options)  # a wrong value, before what the folder holds
    folder = out or Path("runs") / recipe.name
    if images is not None:  # now with the path of the images file
        recipe = recipe_in(folder)
    elif start is not None and is_run:
        recipe = with_own_images(recipe, home, folder)
    if start is not None and os.path.realpath(start) == os.path.realpath(folder):
        raise InputError(f"--from: {start} is the folder of the new run too; choose another --out")
    return AskedRun(recipe, folder, images, None if start is None else Start(start))


def asked_study(name: str, out: Path | None, options: Options, data: Data = None) -> AskedStudy:
    """The study `name` with its changes; `name` may be a study folder. Raises InputError."""
    home, options = expanded(name or ".", "name"), _plain(options)
    if name and (home / "study.toml").is_file():
        out, name = out or home, f"{name}/study.toml"
        options = {**(moved_in(load_plan(name), home) if data is None else {}), **options}
    elif name not in builtin() and (home / "recipe.toml").is_file():
        raise InputError(f"{name}: a run, not a study; `isthmus train {shlex.quote(name)}` goes on with it or shows it")
    images = given_images(data, options)
    options = _without_layout(options, images)
    plan = load_plan(name, {**_data_options(data, images, out), **options})
    folder = out or Path("runs") / plan.name
    if images is not None:
        plan = load_plan(name, {**_data_options(data, images, folder), **options})
    return AskedStudy(plan, folder, images)


def _without_layout(options: Options, images: GivenImages | None) -> Options:
    """Without what describes the object that was given, and not the file that keeps it."""
    described = ("data.layout", "data.image_column", "data.label_column") if images is not None else ()
    return {name: value for name, value in options.items() if name not in described}


def _plain(options: Options) -> Options:
    """NumPy's numbers as Python's."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in options.items()}


def _asked_data(name: str, data: Data, images: GivenImages | None, folder: Path | None) -> dict[str, Any]:
    """As `_data_options`; a recipe that is for crops of photographs cuts the pictures of a folder into crops."""
    found = _data_options(data, images, folder)
    of_folder = isinstance(data, str | Path) and found.get("data.kind") == "folder"
    return {**found, "data.kind": "crops"} if of_folder and load_recipe(name, {}).data.kind == "crops" else found


def _data_options(data: Data, images: GivenImages | None, folder: Path | None) -> dict[str, Any]:
    """`data` as changes to a recipe; images become the file in `folder` that will keep them."""
    if data is None:
        return {}
    if images is not None:
        path = os.path.abspath((folder or Path("runs")) / images.name)
        own = {f"data.{name}": value for name, value in images.options.items()}
        return {"data.kind": FILES[images.name], "data.path": path, **own}
    if isinstance(data, Mapping):
        guessed = {}
        if "kind" not in data and isinstance(data.get("path"), str | Path):
            guessed = options_of_path(data["path"])
        return {**{f"data.{key}": value for key, value in data.items()}, **guessed}
    if isinstance(data, str) and data in registry.kinds("datasets"):
        return {"data.kind": data}
    if not isinstance(data, str | Path):
        raise InputError(
            f"data: {shown(data)} is no images; pass a path, a data set's kind, an array, a tensor, images and labels "
            "as a pair, or a data set of PyTorch or of the Hugging Face hub"
        )
    return options_of_path(data)


def options_of_path(data: str | Path) -> dict[str, Any]:
    """A file or a folder of images as changes to a recipe: its data set and its path. Raises InputError for others."""
    path = expanded(data, "data")
    if not path.exists() and path.suffix == ".tar" and path.parent.is_dir():  # a pattern
        return {"data.kind": "tar", "data.path": os.path.abspath(path)}
    if not path.exists():
        raise InputError(
            f"data: {shown(str(data))} is neither a data set ({', '.join(registry.kinds('datasets'))}) "
            f"nor a path that exists{registry.suggest(str(data), registry.kinds('datasets'))}; check it"
        )
    return {"data.kind": kind_of(path), "data.path": os.path.abspath(path)}
