"""Masking noise: single pixels go grey."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.models.interfaces import Corruption
from isthmus.models.whole_batch import drawn_like


class Masking(Corruption):
    """Replaces each pixel, all channels at once, by mid-grey with a fixed probability; none at inference.

    x (B, C, H, W) -> x_in of the same shape, pixels on the [-1, 1] scale, where mid-grey is 0. The masking noise of
    "Stacked Denoising Autoencoders", section 3.3 (Vincent et al., JMLR 11, 2010).

    Options:
        share: probability that a pixel is masked.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, share: Annotated[float, Field(gt=0, lt=1)] = 0.25) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        kept = drawn_like(x[:, :1], lambda lot: lot.bernoulli_(1 - self.share, generator=generator))
        return x * kept
