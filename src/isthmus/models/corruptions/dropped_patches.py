"""Dropped patches: squares of a grid go grey."""

from __future__ import annotations

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from isthmus.core.share import drawn
from isthmus.models.interfaces import Corruption


class DroppedPatches(Corruption):
    """Cuts the image into squares and paints each mid-grey with a fixed probability; none at inference.

    x (B, C, H, W) -> x_in of the same shape, pixels on the [-1, 1] scale, where mid-grey is 0. The hidden patches of
    "Masked Autoencoders Are Scalable Vision Learners" (He et al., arXiv:2111.06377, section 3), but the network
    does not know which patches are hidden.

    Options:
        share: probability that a patch is dropped.
        side: of a patch, pixels; if it does not divide the image, the last patches are cut off.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        share: Annotated[float, Field(gt=0, lt=1)] = 0.25,
        side: Annotated[int, Field(ge=1)] = 4,
    ) -> None:
        super().__init__()
        _, height, width = image_shape
        if side > min(height, width):
            raise ValueError(f"side {side} is larger than the images, {height}x{width}; choose a smaller one")
        self.share, self.side = share, side

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        height, width = x.shape[2:]
        grid = (len(x), 1, -(-height // self.side), -(-width // self.side))
        kept = drawn(lambda shape: x.new_empty(shape).bernoulli_(1 - self.share, generator=generator), grid)
        return x * F.interpolate(kept, scale_factor=self.side, mode="nearest")[:, :, :height, :width]
