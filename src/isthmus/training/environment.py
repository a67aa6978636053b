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
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.training import devices
from isthmus.training.notices import handling, remarks


def environment(
    recipe: Recipe,
    splits: Splits,
    device: torch.device,
    how: Mapping[str, Any],
    schedule: Mapping[str, Any],
    *,
    mirrors: bool,
) -> dict[str, Any]:
    """The contents of environment.json, see docs/run-folder.md.

    how: what the bits depend on beside versions. schedule: how long it trains, as `Budget.as_dict`.
    mirrors: whether training shows half of the images mirrored.
    """
    shape = splits.train.images.shape[1:]
    return {
        "format": 1,
        "command": command_line(),
        "commit": _commit(),
        "versions": {
            "isthmus": isthmus.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        **how,
        "device": str(device),
        "hardware": devices.describe(device),
        "schedule": dict(schedule),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "data": {
            "kind": recipe.data.kind,
            "source": splits.source,
            "train_images": len(splits.train),
            "validation_images": len(splits.validation),
            "test_images": len(splits.test),
            "hash": splits.hash,
            "image_shape": list(shape),
            "class_names": list(splits.class_names),
            "handling": [change.model_dump() for change in handling(splits, mirrors=mirrors)],
            "notices": remarks(recipe, splits),
        },
    }


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
