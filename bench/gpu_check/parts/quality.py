"""One point of `quality-gpu`, trained for as long as the part's time allows instead of ten minutes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.gpu_check.found import Found, NoGoal, Said, Value
from bench.gpu_check.goals import QUALITY
from bench.gpu_check.setting import Setting
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.load import load_data
from isthmus.runs.run import Done, run

_BESIDE = 40.0  # seconds for images, PCA and the evaluation


def measure(setting: Setting) -> Iterator[Found]:
    trained = 2.0 if setting.rehearse else max(15.0, setting.seconds - _BESIDE)
    changes: dict[str, Any] = {
        **setting.images(),
        "train.device": setting.device,
        "train.seconds": trained,
        "train.epochs": 1000,
        "train.least_steps": 0,
    }
    if setting.rehearse:
        changes |= {"architecture.width": 8, "architecture.depth": 1, "train.batch": 32, "split.limit": 256}
    if not setting.data:
        yield NoGoal(QUALITY, "the images are drawn: give CIFAR-10's with --data")
    recipe = load_recipe("quality-gpu/latent-64", changes)
    with tempfile.TemporaryDirectory() as folder:
        splits = load_data(recipe)
        for event in run(recipe, Path(folder) / "run", splits, Path(folder) / "cache"):
            if isinstance(event, Done):
                found = event.evaluation
                yield Value(QUALITY, found.against_pca.mse_ratio)
                yield Said(
                    f"quality-gpu/latent-64: {trained:.0f} s of training (the goal is of ten minutes) on "
                    f"{len(splits.train):,} images of {splits.source}"
                )
