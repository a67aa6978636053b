"""One small part, and the data for its tests."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.core import registry
from isthmus.core.sorts import SORTS
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.interfaces import Objective
from isthmus.recipes.recipe import Recipe, apply, resolve
from isthmus.recipes.study_plan import load_recipe

IMAGE = (3, 16, 16)
OTHER_IMAGES = ((1, 28, 28), (3, 33, 47), (5, 16, 24))
"""For architectures and bottlenecks: grey, oblong, more channels than colours, and sides that few strides divide."""
ODD_IMAGE = (2, 13, 18)
"""For every other part of a model."""
TINY: Mapping[str, Any] = {
    "data.kind": "scenes",
    "data.train": 80,
    "data.test": 12,
    "model.linear": "none",
    "architecture.filters": [4, 5],
    "architecture.strides": [2, 2],
    "bottleneck.dim": 3,
    "train.batch": 16,
    "train.epochs": 3,
    "train.device": "cpu",
    "train.precision": "fp32",
}
"""Changes to `post/latent-10` that make it train in a second."""


@dataclass(frozen=True)
class PartUnderTest:
    """A part, given by its sort and kind.

    values: option -> value, for options without a default. image: (C, H, W) of the images in its tests.
    """

    sort: str
    kind: str
    values: Mapping[str, Any]
    image: tuple[int, int, int] = IMAGE

    @property
    def table(self) -> str:
        return SORTS[self.sort].table

    @property
    def in_recipe(self) -> bool:
        return SORTS[self.sort].in_recipe

    @property
    def features(self) -> tuple[int, int, int]:
        """Shape of the features that a bottleneck gets: a quarter of the image's sides."""
        _, height, width = self.image
        return 5, -(-height // 4), -(-width // 4)

    @property
    def part(self) -> type[Any]:
        """Its class."""
        return registry.find(self.sort, self.kind)

    def options(self) -> dict[str, Any]:
        """Values for the options that have no default."""
        needed = [name for name, p in registry.options(self.part).items() if p.default is inspect.Parameter.empty]
        missing = [name for name in needed if name not in self.values]
        assert not missing, f"{self.table} {self.kind}: give contract(...) a value for {', '.join(missing)}"
        return {name: self.values[name] for name in needed}

    def build(self) -> Any:
        """The part, always with the same initial weights; a sampler's model is not built here."""
        facts: dict[str, list[Any]] = {
            "architectures": [self.image],
            "bottlenecks": [self.features],
            "priors": [(3,), self.image],
            "corruptions": [self.image],
            "regularizers": [(3,), self.image],
        }
        if self.sort == "objectives":
            facts["objectives"] = [
                registry.build("distortions", "mse", {}),
                PartUnderTest("regularizers", "none", {}).build(),
            ]
        torch.manual_seed(0)
        return registry.build(self.sort, self.kind, self.options(), *facts.get(self.sort, []))

    def recipe(self, extra: Mapping[str, Any] | None = None) -> Recipe:
        """A tiny recipe with this part and a weight for every penalty of its bottleneck; `extra` changes apply last."""
        changes = {f"{self.table}.kind": self.kind, **{f"{self.table}.{k}": v for k, v in self.options().items()}}
        if self.sort in ("priors", "regularizers", "objectives"):  # some of these need a posterior
            changes |= {"bottleneck.kind": "gaussian", "bottleneck.dim": 3}
        if (self.sort == "architectures" and self.part.supports_mask) or (
            self.sort == "objectives" and self.part.needs_mask
        ):
            changes |= {"corruption.kind": "hidden_patches"}
        raw = apply(load_recipe("post/latent-10", TINY).table(), {**changes, **(extra or {})})
        penalties = registry.find("bottlenecks", raw["bottleneck"]["kind"]).penalties
        handled = registry.find("objectives", raw["objective"]["kind"]).handles
        weights = {f"objective.weights.{name}": 0.1 for name in penalties if name not in handled}
        return resolve(apply(raw, weights))

    def model(self, extra: Mapping[str, Any] | None = None) -> tuple[Autoencoder, Objective]:
        """The model and the objective of `recipe`, always with the same initial weights."""
        recipe = self.recipe(extra)
        torch.manual_seed(0)
        model = Autoencoder(recipe, self.image)
        return model, build_objective(recipe, model)

    def images(self, count: int = 6) -> Tensor:
        """(count, *image) in [-1, 1]."""
        return torch.rand(count, *self.image, generator=torch.Generator().manual_seed(1)) * 2 - 1

    def pixels(self, count: int = 6) -> Tensor:
        """The same images, uint8."""
        return ((self.images(count) + 1) * 127.5).to(torch.uint8)

    def h(self, count: int = 6) -> Tensor:
        """Features of so many images, (count, *features)."""
        return torch.randn(count, *self.features, generator=torch.Generator().manual_seed(1))


def finite_gradients(module: nn.Module) -> bool:
    """Whether at least one weight has a gradient, and all gradients are finite."""
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    return bool(gradients) and all(bool(g.isfinite().all()) for g in gradients)
