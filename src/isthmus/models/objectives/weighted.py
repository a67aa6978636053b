"""Distortion, weighted penalties of the bottleneck, and a regularizer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from isthmus.core.values import Terms, Trace
from isthmus.models.interfaces import Distortion, Objective, Regularizer
from isthmus.models.objectives._weights import Weights

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder

NotNegative = Annotated[float, Field(ge=0)]


class Weighted(Objective):
    """Distortion plus weighted penalties plus the regularizer, divided by the number of pixel values.

    loss (B,) = (distortion + sum of weight * penalty + regularizer) / (C * H * W), where the distortion (B,) is a sum
    over pixel values. The division changes no trade-off. With `distortion.kind = "mse"` and no penalties it makes the
    loss equal to Keras's mean squared error, and it makes learning rates independent of the image's size.

    Options:
        weights: a weight for each penalty the bottleneck reports, such as {kl = 1.0}.
        warmup_steps: steps over which the weights grow to their values (Sonderby et al., arXiv:1602.02282).
        free_nats: by penalty, the nats that each number of the latent may use without cost, such as {kl = 0.1}
            (Kingma et al., arXiv:1606.04934, equation 15).
    """

    def __init__(
        self,
        distortion: Distortion,
        regularizer: Regularizer,
        *,
        weights: dict[str, float] | None = None,
        warmup_steps: Annotated[int, Field(ge=0)] = 0,
        free_nats: dict[str, NotNegative] | None = None,
    ) -> None:
        super().__init__()
        self.distortion, self.regularizer = distortion, regularizer
        self.weights = weights or {}
        self.weigh = Weights(self.weights, warmup_steps, free_nats or {})

    def begin_step(self, step: int) -> None:
        self.weigh.begin_step(step)

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        latent, samples = trace.latent, trace.latent.samples
        # x has one row per image, the output one row per sample; the mean over samples estimates the expectation
        x = trace.x if samples == 1 else trace.x.repeat_interleave(samples, 0)
        distortion = self.distortion(trace.x_hat.float(), x)
        distortion = distortion if samples == 1 else distortion.unflatten(0, (-1, samples)).mean(1)
        penalty = self.weigh(latent)
        total = distortion if penalty is None else distortion + penalty
        extra = self.regularizer(model, trace)
        return Terms(
            (total + extra.loss) / math.prod(trace.x.shape[1:]),
            {"distortion": distortion, **latent.penalties, **extra.terms},
        )
