"""A Gaussian likelihood of pixels."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

_GREY_LEVEL = 2 / 255  # its width on the [-1, 1] scale


class Gaussian(nn.Module):
    """-log p(x|z) in nats, of independent pixel values around the output with one standard deviation for all.

    x_hat, x (B, C, H, W) -> (B,). The density is turned into the probability of an 8-bit image by the width of a grey
    level. A learned deviation is the sigma-VAE: "Simple and Effective VAE Training with Calibrated Decoders"
    (Rybkin et al., arXiv:2006.13202, section 3.1).

    Options:
        std: the standard deviation on the [-1, 1] scale; left out, it is learned.
    """

    nats = True

    def __init__(self, *, std: Annotated[float, Field(gt=0)] | None = None) -> None:
        super().__init__()
        start = torch.tensor(math.log(0.3 if std is None else std))  # about where a network begins on photographs
        self.log_std = nn.Parameter(start) if std is None else nn.Buffer(start, persistent=False)

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        scaled = (x_hat - x) * (-self.log_std).exp()
        each = 0.5 * scaled.square() + self.log_std + 0.5 * math.log(2 * math.pi) - math.log(_GREY_LEVEL)
        return each.flatten(1).sum(1)
