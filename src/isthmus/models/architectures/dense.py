"""The dense autoencoder: fully connected layers of chosen widths, and their mirror."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal, cast

from pydantic import Field
from torch import Tensor, nn

from isthmus.models.interfaces import Architecture
from isthmus.models.layers import Dense as Layer
from isthmus.models.layers import start_at_zero

Positive = Annotated[int, Field(ge=1)]
_ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


class Dense(Architecture):
    """Fully connected layers down to the latent, and the same widths in reverse order back up.

    encoder: x (B, C, H, W) -> h (B, widths[-1], 1, 1); decoder: h -> x_hat (B, C, H, W), near [-1, 1]. It knows nothing
    of neighbouring pixels, so it also fits rows of numbers that are no image. Each layer is followed by the activation;
    the last one is linear, because real numbers have no bounds. "Reducing the Dimensionality of Data with Neural
    Networks" (Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647), without its layer-wise pretraining.

    Options:
        widths: units of each hidden layer, starting at the image.
        activation: after each layer but the last.
    """

    supports_linear_start = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        widths: Annotated[list[Positive], Field(min_length=1)] = [256, 128],  # noqa: B006  (never changed)
        activation: Literal["relu", "leaky_relu", "gelu", "tanh"] = "gelu",
    ) -> None:
        super().__init__()
        values = math.prod(image_shape)
        self.feature_shape = (widths[-1], 1, 1)
        self.encoder = nn.Sequential(
            nn.Flatten(), *_layers([values, *widths], activation, ends=True), nn.Unflatten(1, self.feature_shape)
        )
        self.decoder = nn.Sequential(
            nn.Flatten(), *_layers([*reversed(widths), values], activation, ends=False), nn.Unflatten(1, image_shape)
        )

    def start_beside_linear(self) -> None:
        start_at_zero(cast(Layer, cast(nn.Sequential, self.decoder)[-2]))

    def forward(self, x: Tensor) -> Tensor:
        """x -> x_hat without a bottleneck, (B, C, H, W) both."""
        return self.decoder(self.encoder(x))


def _layers(sizes: list[int], activation: str, *, ends: bool) -> list[nn.Module]:
    """Dense layers between `sizes`, each followed by the activation; the last one only if it `ends` with it."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [Layer(inputs, outputs), _ACTIVATIONS[activation]()]
    return layers if ends else layers[:-1]
