"""Absolute error."""

from __future__ import annotations

from torch import Tensor

from isthmus.models.interfaces import Distortion


class L1(Distortion):
    """Absolute error summed over pixel values, on the [-1, 1] scale: x_hat, x (B, C, H, W) -> (B,)."""

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return (x_hat - x).abs().flatten(1).sum(1)
