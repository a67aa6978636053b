"""A discretised logistic likelihood of pixels."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isthmus.core.errors import InputError
from isthmus.models.interfaces import Distortion

_START, _SPEED = math.log(0.15), 10.0


class Logistic(Distortion):
    """-log p(x|z) in nats: the mass that a logistic around the output gives to each pixel's grey level.

    x_hat, x (B, C, H, W) -> (B,). There are 256 levels, or 65,536 for pixels of 16 bits; the darkest and the brightest
    include all mass beyond them. All pixel values share one learned scale. "Improving Variational Inference with
    Inverse Autoregressive Flow" (Kingma et al., arXiv:1606.04934, appendix C); equation 2 of "PixelCNN++" (Salimans
    et al., arXiv:1701.05517).
    """

    nats = True

    def __init__(self) -> None:
        super().__init__()
        self.moved = nn.Parameter(torch.zeros(()))
        self.set_levels(255)

    def set_levels(self, highest: int) -> None:
        if highest == 1:
            raise InputError(
                "distortion.kind: 'logistic' is a likelihood of grey levels, and real numbers have none; set "
                "distortion.kind=gaussian"
            )
        self.half_level = 1 / highest  # half a grey level on the [-1, 1] scale

    @property
    def log_scale(self) -> Tensor:
        """The logarithm of the logistic's scale, a scalar."""
        return _START + _SPEED * self.moved  # see the distortion `gaussian`

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        inverse, half = (-self.log_scale).exp(), self.half_level
        above, below = (x + half - x_hat) * inverse, (x - half - x_hat) * inverse
        # log(sigmoid(above) - sigmoid(below)), as a sum of terms that stay finite far out in both tails and at any
        # scale. This is needed because `where` gives the branch it drops a gradient of zero, and 0 * infinity is NaN.
        width = torch.log(-torch.expm1(-2 * half * inverse))
        inside = F.logsigmoid(above) + F.logsigmoid(-below) + width
        darkest, brightest = F.logsigmoid(above), F.logsigmoid(-below)
        mass = torch.where(x < -1 + half, darkest, torch.where(x > 1 - half, brightest, inside))
        return -mass.flatten(1).sum(1)
