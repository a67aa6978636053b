"""Small trainings on drawn images, through the loop that users get."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from tests.conftest import TINY
from torch import Tensor, nn

from isthmus.data.splits import Splits
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.pixels import to_unit
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.run_files.state import Progress
from isthmus.runs.load import load_data
from isthmus.training.batches import Batches
from isthmus.training.loop import Step, train
from isthmus.training.optimizers import build_optimizer

SIDE = 16
SMALL: dict[str, Any] = {
    **{name: value for name, value in TINY.items() if not name.startswith("architecture.")},
    "data.train": 1200,
    "data.test": 300,
    "data.size": SIDE,
    "architecture.kind": "residual",  # without running statistics, which lag behind in so short a training
    "architecture.width": 16,
    "architecture.depth": 1,
    "bottleneck.dim": 8,
    "train.batch": 64,
    "train.epochs": 12,
    "train.learning_rate": 2e-3,
    "train.beta2": 0.99,
    "train.schedule": "cosine",
    "train.monitor": "validation",
}
# a network that is quick to learn, whose running statistics lag behind
CONV: dict[str, Any] = {"architecture.kind": "conv", "architecture.filters": [16, 32], "architecture.strides": [2, 2]}


@dataclass(frozen=True)
class Trained:
    """A model that learned for a few seconds, what it learned by, its images, and what training logged."""

    recipe: Recipe
    model: Autoencoder
    objective: nn.Module
    splits: Splits
    logs: tuple[dict[str, float], ...]

    def test(self) -> Tensor:
        """The test images in [-1, 1]."""
        return to_unit(torch.from_numpy(self.splits.test.images))

    def mse(self) -> float:
        """Of the test images, pixels in [0, 1]."""
        made = self.model.reconstruct(self.splits.test.images).transpose(0, 3, 1, 2)
        return float(np.mean(((made.astype(float) - self.splits.test.images) / 255) ** 2))

    def mean(self, name: str) -> float:
        """A penalty's mean over test images."""
        with torch.no_grad():
            return float(self.model.eval()(self.test()).latent.penalties[name].mean())


def recipe_of(changes: dict[str, Any] | None = None) -> Recipe:
    base = {k: v for k, v in SMALL.items() if "bottleneck.kind" not in (changes or {}) or k != "bottleneck.dim"}
    base = {k: v for k, v in base.items() if "architecture.kind" not in (changes or {}) or "architecture" not in k}
    return load_recipe("post/latent-10", {**base, **(changes or {})})


@cache
def _data(train: int, size: int) -> Splits:
    return load_data(recipe_of({"data.train": train, "data.size": size}))


def trained(changes: dict[str, Any] | None = None) -> Trained:
    """The small recipe with changes, trained; the same for the same changes."""
    recipe = recipe_of(changes)
    splits = _data(recipe.data.options["train"], recipe.data.options["size"])
    torch.manual_seed(recipe.seed)
    model = Autoencoder(recipe, splits.train.images.shape[1:])
    objective = build_objective(recipe, model)
    optimizer = build_optimizer(model, recipe.train, objective)
    batches = Batches(torch.from_numpy(splits.train.images), recipe.train.batch, seed=0, mirror=False)
    logs: list[dict[str, float]] = []
    steps = train(
        model,
        objective,
        optimizer,
        batches,
        torch.from_numpy(splits.validation.images),
        recipe.train,
        Progress(),
        precision="fp32",
        seed=recipe.seed,
    )
    for event in steps:
        if isinstance(event, Step) and event.log is not None:
            logs.append(event.log)
    return Trained(recipe, model.eval(), objective.eval(), splits, tuple(logs))


def gaussian(**changes: Any) -> dict[str, Any]:
    """A variational autoencoder whose KL has weight 1, and more: options with __ for the dot."""
    return {
        "bottleneck.kind": "gaussian",
        "bottleneck.dim": 8,
        "objective.weights.kl": 1.0,
        **{name.replace("__", "."): value for name, value in changes.items()},
    }
