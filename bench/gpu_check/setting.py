"""What a part is told, and the images that it measures with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.contestants._common import random_images
from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_plan, load_recipe

IMAGE_SHAPE = (3, 32, 32)
DRAWN = {"data.kind": "scenes"}  # a recipe must name its data, also where the images come from elsewhere


@dataclass(frozen=True)
class Setting:
    """device: where to measure. data: parquet folders or files of CIFAR-10; none: images drawn by code.

    seconds: that the part may take. rehearse: sizes so small that the numbers mean nothing.
    """

    device: str
    data: tuple[str, ...]
    seconds: float
    rehearse: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images that networks are compared on."""
        return (3, 8, 8) if self.rehearse else IMAGE_SHAPE

    def images(self) -> Mapping[str, Any]:
        """The options of `data` for a recipe: the folders, tested on the last, or drawn images, as many."""
        if self.data:
            return {"data.kind": "parquet", "data.path": list(self.data), "data.test": self.data[-1]}
        train, test = (300, 40) if self.rehearse else (52_632, 2000)  # 5 % are set aside for validation
        return {**DRAWN, "data.train": train, "data.test": test}

    def squares(self) -> Splits:
        """50,000 images to train on and 10,000 test images, without labels; where it is timed, pixels do not matter."""
        train, test = (256, 32) if self.rehearse else (50_000, 10_000)
        pixels = random_images(train + test + 64)
        parts = pixels[:train], pixels[train : train + 64], pixels[train + 64 :]
        return Splits(*(ImageSet(part.copy()) for part in parts), "random squares", (), (), f"squares-{train}")


def networks(setting: Setting) -> dict[str, Recipe]:
    """Every family, the post's networks, those of `quality-gpu` and `dense`: name -> recipe for 32x32 images."""
    shared: dict[str, Any] = {**DRAWN, "train.device": setting.device, "train.precision": "fp32"}
    found = {
        f"{study}/{row.name}": row.recipe(seed=0)
        for study in ("post", "families")
        for row in load_plan(study, shared).variations
    }
    found["quality-gpu/latent-64"] = load_recipe("quality-gpu/latent-64", shared)
    found["dense"] = load_recipe("dense", shared)
    if not setting.rehearse:
        return found
    kept = ("post/denoise", "families/vae", "families/factor-vae", "families/vq", "families/masked")
    return {name: found[name] for name in kept}
