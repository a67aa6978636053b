"""Records where and how a run was made, so that a reader can trust and repeat it."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

import isthmus
from isthmus.core import registry
from isthmus.core.pixels import depth_of
from isthmus.core.sorts import PART_TABLES
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.data import Data
from isthmus.run_files.environment import Environment, Mirror, RecordedPart, Schedule
from isthmus.training import devices
from isthmus.training.notices import handling, remarks


def environment(
    recipe: Recipe,
    splits: Splits,
    device: torch.device,
    how: Mapping[str, Any],
    schedule: Schedule,
    mirror: Mirror,
) -> Environment:
    """The contents of environment.json.

    how: what the bits depend on beside versions. schedule: how long it trains. mirror: whether training shows half of
    the images mirrored.
    """
    return Environment(
        command=command_line(),
        commit=_commit(),
        versions={
            "isthmus": isthmus.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        parts=_foreign_parts(recipe),
        device=str(device),
        threads=how["threads"],
        precision=how["precision"],
        kernels=how["kernels"],
        processes=how["processes"],
        hardware=devices.describe(device),
        schedule=schedule,
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        data=Data(
            kind=recipe.data.kind,
            source=splits.source,
            train_images=len(splits.train),
            validation_images=len(splits.validation),
            test_images=len(splits.test),
            hash=splits.hash,
            test_hash=splits.test_hash,
            image_shape=splits.train.images.shape[1:],
            depth=depth_of(splits.train.images.dtype),
            range=splits.range,
            class_names=tuple(splits.class_names),
            handling=handling(splits, mirrors=mirror.mirrors),
            notices=tuple(remarks(recipe, splits)),
        ),
        mirror=mirror,
    )


def _foreign_parts(recipe: Recipe) -> dict[str, RecordedPart]:
    """The recipe's parts that other packages brought, by table: what must be installed to use the run."""
    parts: dict[str, RecordedPart] = {}
    for table, sort in PART_TABLES.items():
        kind = getattr(recipe, table).kind
        for package in registry.packages(sort, kind):  # one at most, or the recipe was refused
            parts[table] = RecordedPart(kind=kind, package=package.name, version=package.version)
    return parts


def command_line() -> str:
    """The command as typed, for the box on the page that says how to reproduce the run."""
    name = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    return shlex.join(["isthmus" if name == "__main__.py" else name, *sys.argv[1:]])


def _commit() -> str | None:
    """The commit of the source tree, if isthmus runs from one."""
    try:
        found = subprocess.run(
            ["git", "-C", os.path.dirname(__file__), "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
