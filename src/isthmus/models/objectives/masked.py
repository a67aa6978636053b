"""The error of hidden pixels only, which masked autoencoders are trained on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from isthmus.core.values import Terms, Trace
from isthmus.models.interfaces import Distortion, Objective, Regularizer
from isthmus.models.objectives._weights import Weights

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class Masked(Objective):
    """Distortion of the pixels that a corruption hid, plus weighted penalties and a regularizer.

    loss (B,) = (distortion * all pixels / hidden pixels + sum of weight * penalty + regularizer) / (C * H * W), where
    visible pixels of the output count as correct: "Masked Autoencoders Are Scalable Vision Learners" (He et al.,
    arXiv:2111.06377, section 3). If nothing is hidden, as in evaluation, all pixels count.

    Options:
        weights: a weight for each penalty the bottleneck reports.
    """

    needs_mask = True

    def __init__(
        self, distortion: Distortion, regularizer: Regularizer, *, weights: dict[str, float] | None = None
    ) -> None:
        super().__init__()
        self.distortion, self.regularizer = distortion, regularizer
        self.weights = weights or {}
        self.weigh = Weights(self.weights, 0, {})

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        x_hat, share = trace.x_hat.float(), 1.0
        if trace.mask is not None:
            x_hat = torch.where(trace.mask, x_hat, trace.x)
            share = trace.mask.float().flatten(1).mean(1).clamp(min=1e-6)
        distortion = self.distortion(x_hat, trace.x) / share
        penalty = self.weigh(trace.latent)
        total = distortion if penalty is None else distortion + penalty
        extra = self.regularizer(model, trace)
        return Terms(
            (total + extra.loss) / math.prod(trace.x.shape[1:]),
            {"distortion": distortion, **trace.latent.penalties, **extra.terms},
        )
