"""A trained model on rows of X: encode, decode and errors, in the unit of X; it is kept as plain bytes.

rows (N, D) --scale--> x in about [-1, 1] --encode--> z --decode--> x_hat --scale--> rows
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as tensors_of
from safetensors.torch import save as bytes_of
from torch import Tensor

from isthmus.core.bounded_reading import parse_toml
from isthmus.core.errors import InputError
from isthmus.core.pixels import is_real
from isthmus.evaluation.measures.mse import Mse
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.models.widest import widest
from isthmus.recipes.recipe import Recipe, resolve
from isthmus.sklearn.layout import Layout
from isthmus.sklearn.scale import Scale
from isthmus.training.devices import choose_device

_ROWS = 4096  # at a time, so that memory does not grow with X


@dataclass(frozen=True)
class Trained:
    """A model with the scale and the layout of the X that it was trained on.

    mean: (C, H, W) the mean training image on the scale of `x`, rounded where X holds levels.
    """

    recipe: Recipe
    model: Autoencoder
    scale: Scale
    layout: Layout
    mean: np.ndarray

    @property
    def latent_size(self) -> int:
        return self.model.latent_size

    def encode(self, rows: np.ndarray) -> np.ndarray:
        """rows (N, D) -> z (N, latent_size)."""
        return self._by_parts(rows, lambda x: _finite(self._encoded(x)).flatten(1))

    def decode(self, z: np.ndarray) -> np.ndarray:
        """z (N, latent_size) -> rows (N, D) float64 in the unit of X, neither clamped nor rounded."""
        shape = self.model.latent_shape
        latents = torch.from_numpy(z.astype(np.float64)).to(self._type).unflatten(1, shape)
        made = batched_array(self.model, self.model.decode_latents, latents)
        return self.scale.from_model(self.layout.rows(made))

    def errors(self, rows: np.ndarray) -> np.ndarray:
        """rows (N, D) -> (N,) float64: the mean squared error of each reconstruction.

        Of rows that are no images in units of each column's variance; of images on the scale from black 0 to white 1,
        and where X holds levels, of output that is clamped and rounded as the evaluator does.
        """
        return self._by_parts(rows, lambda x: self._error(self._decoded(x), x))

    def errors_of_mean(self, rows: np.ndarray) -> np.ndarray:
        """`errors`, if each reconstruction were the mean training image."""
        mean = torch.from_numpy(self.mean).to(self.model.device)
        return self._by_parts(rows, lambda x: self._error(mean.to(x.dtype).expand_as(x), x))

    def state(self) -> dict[str, Any]:
        """Everything as plain values: text, arrays, and the weights as bytes of safetensors."""
        weights = {name: one.detach().cpu().contiguous().clone() for name, one in self.model.state_dict().items()}
        return {
            "recipe": self.recipe.toml(),
            "weights": bytes_of(weights),
            "scale": self.scale,
            "layout": self.layout,
            "mean": self.mean,
        }

    @staticmethod
    def of(state: Mapping[str, Any], device: str) -> Trained:
        """From what `state` gave, on `device`, or on the CPU where that is not here."""
        recipe, scale, layout = resolve(parse_toml(state["recipe"])), state["scale"], state["layout"]
        model = Autoencoder(recipe, layout.image_shape, scale.depth)
        weights = tensors_of(state["weights"])
        if any(one.dtype == torch.float64 for one in weights.values()):
            model.double()
        model.load_state_dict(weights)
        return Trained(recipe, placed(model, layout, device), scale, layout, state["mean"])

    @property
    def _type(self) -> torch.dtype:
        return torch.float32 if self.layout.are_images else torch.float64

    def _by_parts(self, rows: np.ndarray, function: Callable[[Tensor], Tensor]) -> np.ndarray:
        """`function` of x (B, C, H, W) for all rows (N, D), part by part."""

        def part(start: int) -> np.ndarray:
            given = rows[start : start + _ROWS]
            if self.scale.depth == 32:
                values = torch.from_numpy(self.layout.images(self.scale.to_model(given))).to(self._type)
                return batched_array(self.model, function, values)
            pixels = torch.from_numpy(self.layout.images(self.scale.to_pixels(given)))
            return batched_array(self.model, lambda some: function(to_unit(some)), pixels)

        return np.concatenate([part(start) for start in range(0, len(rows), _ROWS)])

    def _encoded(self, x: Tensor) -> Tensor:
        corruption = self.model.corruption
        return self.model.latent(corruption(x) if corruption.at_inference else x)[1].z.to(x.dtype)

    def _decoded(self, x: Tensor) -> Tensor:
        return self.model.decode_latents(self._encoded(x)).to(x.dtype)

    def _error(self, x_hat: Tensor, x: Tensor) -> Tensor:
        kind = self.model.pixel_type
        if is_real(kind):
            return widest(x_hat - x).square().flatten(1).mean(1) * self.scale.error_unit
        return Mse()(to_pixels(x_hat, kind), to_pixels(x, kind))


def _finite(z: Tensor) -> Tensor:
    """z unchanged. Raises InputError where a number is not finite: training was on finite numbers."""
    if not z.isfinite().all():
        raise InputError("X: some of its values are so large that their latents overflow; leave these samples out")
    return z


def placed(model: Autoencoder, layout: Layout, device: str) -> Autoencoder:
    """The model ready for use: of rows that are no images in float64 on the CPU, of images on `device`.

    A row of numbers gets the same answer to ten digits in whatever batch it comes, as users of scikit-learn expect; for
    dense layers this costs little.
    """
    if not layout.are_images:
        return model.to("cpu").double().eval()
    try:
        place = choose_device(device, "device")
    except InputError:  # of a model that was trained elsewhere
        place = choose_device("cpu")
    return model.to(place).eval()
