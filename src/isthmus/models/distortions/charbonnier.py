"""Absolute error, rounded off near zero."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import Tensor

from isthmus.models.interfaces import Distortion


class Charbonnier(Distortion):
    """sqrt(error^2 + epsilon^2) - epsilon, summed over pixel values on the [-1, 1] scale.

    x_hat, x (B, C, H, W) -> (B,). "Deep Laplacian Pyramid Networks" (Lai et al., arXiv:1704.03915, section 3.3).

    Options:
        epsilon: below this error it behaves like a squared error, above it like an absolute error.
    """

    def __init__(self, *, epsilon: Annotated[float, Field(gt=0)] = 1e-3) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return ((x_hat - x).square() + self.epsilon**2).sqrt().sub(self.epsilon).flatten(1).sum(1)
