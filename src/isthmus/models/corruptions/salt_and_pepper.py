"""Salt and pepper: single pixels go black or white."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.models.interfaces import Corruption
from isthmus.models.whole_batch import drawn_like


class SaltAndPepper(Corruption):
    """Replaces each pixel by black or white, equally likely, with a fixed probability; none at inference.

    x (B, C, H, W) -> x_in of the same shape, pixels on the [-1, 1] scale. The salt-and-pepper noise of "Stacked
    Denoising Autoencoders", section 3.3 (Vincent et al., JMLR 11, 2010), all channels of a pixel at once.

    Options:
        share: probability that a pixel is replaced.
    """

    def __init__(self, image_shape: tuple[int, int, int], *, share: Annotated[float, Field(gt=0, lt=1)] = 0.1) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        lot = drawn_like(x[:, :1], lambda lot: lot.uniform_(generator=generator))
        ends = torch.where(lot < self.share / 2, -1.0, 1.0).to(x.dtype)
        return torch.where(lot < self.share, ends, x)
