"""Blur: the image through a Gaussian window."""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from isthmus.models.interfaces import Corruption

_REACH = 3.0  # standard deviations on each side; 0.3 % of the window lies beyond


class Blur(Corruption):
    """Blurs every image with the same Gaussian window; none at inference.

    x (B, C, H, W) -> x_in of the same shape. The image is padded with its border pixels. Nothing is random: the
    network learns to sharpen.

    Options:
        std: standard deviation of the window, pixels.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, std: Annotated[float, Field(gt=0, le=16)] = 1.0) -> None:
        super().__init__()
        self.channels = image_shape[0]
        self.radius = math.ceil(_REACH * std)
        places = torch.arange(-self.radius, self.radius + 1, dtype=torch.float64)
        window = torch.exp(-0.5 * (places / std) ** 2)
        self.register_buffer("window", (window / window.sum()).float(), persistent=False)
        self.window: Tensor

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        padded = F.pad(x, (self.radius,) * 4, mode="replicate")
        window = self.window.to(x.dtype).repeat(self.channels, 1, 1, 1)
        rows = F.conv2d(padded, window, groups=self.channels)
        return F.conv2d(rows, window.mT, groups=self.channels)
