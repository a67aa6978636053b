"""A Gaussian likelihood of pixels."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.models.interfaces import Distortion

_SPEED = 10.0


class Gaussian(Distortion):
    """-log p(x|z) in nats, for independent pixel values around the output with one standard deviation for all.

    x_hat, x (B, C, H, W) -> (B,). The density times the width of a grey level is the probability of a pixel's value,
    one of 256, or of 65,536 for pixels of 16 bits. With a learned deviation it is the sigma-VAE: "Simple and Effective
    VAE Training with Calibrated Decoders" (Rybkin et al., arXiv:2006.13202, section 3.1).

    Options:
        std: the standard deviation on the [-1, 1] scale; learned if left out.
    """

    nats = True

    def __init__(self, *, std: Annotated[float, Field(gt=0)] | None = None) -> None:
        super().__init__()
        self.start = math.log(0.3 if std is None else std)  # 0.3: about a network's first error on photographs
        self.set_levels(255)
        nothing = torch.zeros(())
        self.moved = nn.Parameter(nothing) if std is None else nn.Buffer(nothing, persistent=False)

    def set_levels(self, highest: int) -> None:
        self.grey_level = 2 / highest  # its width on the [-1, 1] scale

    @property
    def log_std(self) -> Tensor:
        """The logarithm of the standard deviation, a scalar."""
        # An optimizer's step moves a weight by about the learning rate, here a tenth of a per cent. In a short training
        # that is too little, so `_SPEED` multiplies it.
        return self.start + _SPEED * self.moved

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        log_std = self.log_std
        scaled = (x_hat - x) * (-log_std).exp()
        each = 0.5 * scaled.square() + log_std + 0.5 * math.log(2 * math.pi) - math.log(self.grey_level)
        return each.flatten(1).sum(1)
