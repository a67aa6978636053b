"""Tiny trainings of the families, and what is left of each, bit for bit.

    python -m tests.training.bits FOLDER NAME...

trains the named families one after the other in this process and prints {name: {file: digest}} as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_plan
from isthmus.runs.claim import claim
from isthmus.runs.load import load_data
from isthmus.training.in_folder import train_in_folder

SMALL: dict[str, Any] = {
    "data.kind": "scenes",
    "data.train": 60,
    "data.test": 8,
    "data.size": 16,
    "architecture.width": 16,
    "architecture.depth": 1,
    "train.seconds": None,
    "train.epochs": 2,
    "train.batch": 20,
    "train.warmup_steps": 1,
    "train.device": "cpu",
    "train.precision": "fp32",
}


@cache
def families() -> dict[str, Recipe]:
    """The variations of the study `families`, small, at seed 5."""
    return {row.name: row.recipe(5) for row in load_plan("families", SMALL).variations}


@cache
def images() -> Splits:
    return load_data(families()["plain"])


def events(name: str, folder: Path) -> Iterator[Any]:
    """Train a family in `folder`, or go on."""
    recipe = families()[name]
    claim(folder, recipe)
    return train_in_folder(recipe, folder, images(), folder.parent / "cache")


def train(name: str, folder: Path) -> dict[str, str]:
    """Train to the end, or go on to it; what is left."""
    for _ in events(name, folder):
        pass
    return left(folder)


def left(folder: Path) -> dict[str, str]:
    """A digest of every file of tensors: weights of model and objective, moments, of the last and the best epoch."""
    files = sorted((folder / "checkpoints").rglob("*.safetensors"))
    assert files
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


if __name__ == "__main__":
    home, *names = sys.argv[1:]
    print(json.dumps({name: train(name, Path(home, name)) for name in names}))
