"""A bottleneck whose latent stays between -1 and 1."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Latent
from isthmus.models.interfaces import Bottleneck


class Bounded(Bottleneck):
    """A vector of numbers between -1 and 1: one dense layer each way, and a tanh.

    h (B, C, H, W) -> z (B, dim) -> h' (B, C, H, W).

    Options:
        dim: how many numbers the latent holds.
    """

    def __init__(self, feature_shape: tuple[int, int, int], *, dim: Annotated[int, Field(ge=1)] = 8) -> None:
        super().__init__()
        self.feature_shape, self.latent_shape = feature_shape, (dim,)
        self.to_latent = nn.Linear(math.prod(feature_shape), dim)
        self.to_features = nn.Linear(dim, math.prod(feature_shape))

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        return Latent(self.to_latent(h.flatten(1)).tanh())

    def expand(self, z: Tensor) -> Tensor:
        return self.to_features(z).unflatten(1, self.feature_shape)
