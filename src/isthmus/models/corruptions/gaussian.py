"""Gaussian noise, drawn again at every step."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.models.interfaces import Corruption


class GaussianNoise(Corruption):
    """Fresh Gaussian noise on every image at every training step; none at inference.

    x (B, C, H, W) -> x_in of the same shape, pixels on the [-1, 1] scale, not clipped.

    Options:
        std: standard deviation of the noise on the [-1, 1] scale: 0.1 is a twentieth of the way from black to white.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, std: Annotated[float, Field(gt=0)] = 0.1) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        noise = torch.empty_like(x).normal_(std=self.std, generator=generator)
        return x + noise
