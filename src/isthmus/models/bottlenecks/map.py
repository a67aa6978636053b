"""The plain bottleneck for feature maps: a few numbers per position."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Latent
from isthmus.models.interfaces import Bottleneck
from isthmus.models.layers import start_at_zero


class Map(Bottleneck):
    """A map with `channels` numbers per position, through one 1x1 convolution each way.

    h (B, C, H, W) -> z (B, channels, H, W) -> h' (B, C, H, W).

    Options:
        channels: how many numbers each position holds.
    """

    supports_linear_start = True  # but not `start_at`: a position's numbers describe one place, not the whole image

    def __init__(self, feature_shape: tuple[int, int, int], *, channels: Annotated[int, Field(ge=1)] = 1) -> None:
        super().__init__()
        inputs, height, width = feature_shape
        self.latent_shape = (channels, height, width)
        self.to_latent = nn.Conv2d(inputs, channels, 1)
        self.to_features = nn.Conv2d(channels, inputs, 1)

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        z = self.to_latent(h)
        return Latent(z if offset is None else z + offset)

    def start_beside_linear(self) -> None:
        start_at_zero(self.to_latent)

    def expand(self, z: Tensor) -> Tensor:
        return self.to_features(z)
