"""Squared error, with every penalty of the bottleneck weighted by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn

from isthmus.types import Terms, Trace

if TYPE_CHECKING:
    from isthmus.model import Autoencoder


class Mse(nn.Module):
    """Squared error summed over pixel values, plus weighted penalties, divided by the number of values.

    loss (B,) = (distortion + sum of weight * penalty) / (C * H * W), where distortion (B,) is the summed
    squared error on the [-1, 1] scale. The division changes no trade-off; it makes the loss without
    penalties Keras's mean squared error and keeps learning rates apart from the image's size.

    Options:
        weights: a weight for each penalty the bottleneck reports, such as {kl = 1.0}.
    """

    def __init__(self, *, weights: dict[str, float] | None = None) -> None:
        super().__init__()
        self.weights = weights or {}

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        distortion = (trace.x_hat.float() - trace.x).square().flatten(1).sum(1)
        penalties = trace.latent.penalties
        total = distortion
        for name, penalty in penalties.items():
            total = total + self.weights[name] * penalty
        values = math.prod(trace.x.shape[1:])
        return Terms(total / values, {"distortion": distortion, **penalties})
