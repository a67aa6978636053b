"""A request from the command line or Python, parsed: a recipe or a study, and the folder for its results.

Nothing here loads torch, so that wrong input is reported at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.wording import shown
from isthmus.data.array_file import ARRAY_FILE, as_file
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import Plan, builtin, load_plan, load_recipe
from isthmus.runs.run_folder import read_recipe

Data = str | Path | Mapping[str, Any] | np.ndarray | None
Options = Mapping[str, Any]


@dataclass(frozen=True)
class AskedRun:
    """A recipe, the run folder, and a file of images if the images came as an array."""

    recipe: Recipe
    folder: Path
    images: bytes | None = None


@dataclass(frozen=True)
class AskedStudy:
    """A study, its folder, and a file of images if the images came as an array."""

    plan: Plan
    folder: Path
    images: bytes | None = None


def asked_run(name: str, out: Path | None, options: Options, data: Data = None) -> AskedRun:
    """The recipe `name` with its changes, or the run folder `name` with its own recipe. Raises InputError."""
    home = expanded(name or ".", "recipe")
    if (home / "recipe.toml").is_file() or (name and home.is_dir() and name.partition("/")[0] not in builtin()):
        if options or data is not None:
            raise InputError(f"{name}: a run goes on as it began; changes need a new --out and the recipe's name")
        return AskedRun(read_recipe(home), out or home)
    recipe = load_recipe(name, {**_data_options(data, out), **options})
    folder = out or Path("runs") / recipe.name
    if not isinstance(data, np.ndarray):
        return AskedRun(recipe, folder)
    recipe = load_recipe(name, {**_data_options(data, folder), **options})  # now with the path of the images file
    return AskedRun(recipe, folder, as_file(data))


def asked_study(name: str, out: Path | None, options: Options, data: Data = None) -> AskedStudy:
    """The study `name` with its changes; `name` may be a study folder. Raises InputError."""
    home = expanded(name or ".", "name")
    if name and (home / "study.toml").is_file():
        out, name = out or home, f"{name}/study.toml"
    plan = load_plan(name, {**_data_options(data, out), **options})
    folder = out or Path("runs") / plan.name
    if not isinstance(data, np.ndarray):
        return AskedStudy(plan, folder)
    plan = load_plan(name, {**_data_options(data, folder), **options})
    return AskedStudy(plan, folder, as_file(data))


def _data_options(data: Data, folder: Path | None) -> dict[str, Any]:
    """`data` as changes to a recipe; an array becomes the images file in `folder`."""
    if data is None:
        return {}
    if isinstance(data, np.ndarray):
        return {"data.kind": "arrays", "data.path": os.path.abspath((folder or Path("runs")) / ARRAY_FILE)}
    if isinstance(data, Mapping):
        return {f"data.{key}": value for key, value in data.items()}
    if isinstance(data, str) and data in registry.kinds("datasets"):
        return {"data.kind": data}
    path = expanded(data, "data")
    if not path.exists():
        raise InputError(
            f"data: {shown(str(data))} is neither a data set ({', '.join(registry.kinds('datasets'))}) "
            "nor a path that exists"
        )
    parquet = path.suffix == ".parquet" or any(path.glob("**/*.parquet"))
    return {"data.kind": "parquet" if parquet else "folder", "data.path": os.path.abspath(path)}
