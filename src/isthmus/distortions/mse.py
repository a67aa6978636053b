"""Squared error."""

from __future__ import annotations

from torch import Tensor, nn


class Mse(nn.Module):
    """Squared error summed over pixel values, on the [-1, 1] scale.

    x_hat, x (B, C, H, W) -> (B,). With `objective.weights.kl = 1` it is, up to a constant, the negative ELBO of a
    Gaussian likelihood with variance 1/2 on that scale.
    """

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return (x_hat - x).square().flatten(1).sum(1)
