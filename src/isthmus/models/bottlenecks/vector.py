"""The plain bottleneck: a vector of numbers."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.values import Latent
from isthmus.models.interfaces import Bottleneck
from isthmus.models.layers import Dense, start_at_zero
from isthmus.models.linear_path import LinearPath


class Vector(Bottleneck):
    """A vector of `dim` numbers, through one dense layer each way.

    h (B, C, H, W) -> z (B, dim) -> h' (B, C, H, W). Features are flattened in height, width, channel
    order, as Keras does.

    Options:
        dim: how many numbers the latent holds.
    """

    supports_linear_start = True

    def __init__(self, feature_shape: tuple[int, int, int], *, dim: Annotated[int, Field(ge=1)]) -> None:
        super().__init__()
        self.feature_shape = feature_shape
        self.latent_shape = (dim,)
        features = math.prod(feature_shape)
        self.to_latent = Dense(features, dim)
        self.to_features = Dense(dim, features)

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        z = self.to_latent(h.permute(0, 2, 3, 1).flatten(1))
        return Latent(z if offset is None else z + offset)

    def start_beside_linear(self) -> None:
        start_at_zero(self.to_latent)

    def start_at(self, linear: LinearPath) -> None:
        linear.show_in(self.to_features, self.feature_shape)

    def expand(self, z: Tensor) -> Tensor:
        channels, height, width = self.feature_shape
        return self.to_features(z).unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)
