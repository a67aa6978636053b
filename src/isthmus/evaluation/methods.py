"""What the model and its baselines make of the test images, block by block."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from isthmus.core.streams import sealed
from isthmus.evaluation.baselines.mean_image import MeanImage
from isthmus.evaluation.baselines.yardstick import Yardstick
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import BATCH, batched_array
from isthmus.models.collect_latents import Collected, Collecting
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.models.seeding import sealed_generator
from isthmus.recipes.recipe import Recipe

_NOISE = "noisy test images"  # the same for every run


class Methods:
    """The model, PCA and the mean image; where the recipe has noise, also the noisy image and what becomes of it.

    Blocks must come in the order of the images, because each image has its own part of the noise.
    kept: (N,) which test images' latents are kept.
    """

    def __init__(
        self, model: Autoencoder, recipe: Recipe, yardstick: Yardstick, constant: MeanImage, kept: np.ndarray
    ) -> None:
        self.model, self.yardstick, self.constant, self.kept = model, yardstick, constant, kept
        self.corruption = recipe.corruption
        self.noise, self.again = (sealed_generator(_NOISE, device=model.device) for _ in range(2))
        self._latents = Collecting(model, kept)
        self._coordinates: list[np.ndarray] = []
        self._images = 0

    def outputs(self, block: np.ndarray) -> dict[str, np.ndarray]:
        """block (B, C, H, W) of test images -> each method's output for it, of the same shape and type.

        "noisy_input" is the noisy image itself, rounded like a user's image. "denoised" is the model's output for it,
        where noise is added in training only.
        """
        coordinates = self.yardstick.encode(block)
        self._coordinates.append(coordinates[self.kept[self._images : self._images + len(block)]])
        self._images += len(block)
        outputs = {
            "model": self._latents.reconstruct(block),
            "pca": self.yardstick.decode(coordinates, block.shape[1:], block.dtype),
            "mean_image": self.constant.reconstruct(block),
        }
        return outputs | self._noisy(block)

    def latents(self) -> Collected:
        """The model's latents of all blocks so far."""
        return self._latents.collected()

    def coordinates(self) -> np.ndarray:
        """PCA's latents of the same images, (N, K) float32."""
        return np.concatenate(self._coordinates)

    @property
    def description(self) -> str | None:
        """A line that names the noise; None without noise."""
        if self.corruption.kind == "none":
            return None
        chosen = {
            name: value for name, value in self.corruption.options.items() if value is not None and value is not False
        }
        options = ", ".join(f"{name} {value}" for name, value in chosen.items())
        line = f"{self.corruption.kind}, {options} on the [-1, 1] scale"
        return line if self.model.corruption.at_inference else f"{line}, evaluation seed {sealed(_NOISE)}"

    def _noisy(self, block: np.ndarray) -> dict[str, np.ndarray]:
        if self.corruption.kind == "none":
            return {}
        model, given = self.model, torch.from_numpy(block)
        noisy = batched_array(model, self._corrupted, given, in_order=BATCH)
        if model.corruption.at_inference:  # the model adds its own
            return {"noisy_input": noisy}
        if model.corruption.hides:  # hides the same patches again, and keeps the visible pixels
            denoise = partial(model.fill_in, generator=self.again)
        else:
            denoise, given = model.reconstruct_pixels, torch.from_numpy(noisy)
        return {"noisy_input": noisy, "denoised": batched_array(model, denoise, given, in_order=BATCH)}

    def _corrupted(self, pixels: Tensor) -> Tensor:
        return to_pixels(self.model.corruption(to_unit(pixels), self.noise), pixels.dtype)
