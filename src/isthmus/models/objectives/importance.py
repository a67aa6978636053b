"""The importance-weighted bound: several samples per image, the better ones counted more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from isthmus.core.values import Terms, Trace
from isthmus.models.interfaces import Distortion, Objective, Regularizer
from isthmus.models.objectives._weights import Weights

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class Importance(Objective):
    """The negative importance-weighted bound on log p(x), plus a regularizer, divided by the number of pixel values.

    loss (B,) = -(log mean over samples of exp(log p(x|z) + log p(z) - log q(z|x))) / (C * H * W), equation 8 of
    "Importance Weighted Autoencoders" (Burda et al., arXiv:1509.00519), with `bottleneck.samples` samples and
    log p(x|z) = -distortion. In evaluation, where z is the posterior's mean, it is distortion plus KL. `kl` needs no
    weight, because the bound contains it.

    Options:
        weights: a weight for each penalty the bottleneck reports, except `kl`.
    """

    handles = ("kl",)

    def __init__(
        self, distortion: Distortion, regularizer: Regularizer, *, weights: dict[str, float] | None = None
    ) -> None:
        super().__init__()
        self.distortion, self.regularizer = distortion, regularizer
        self.weights = weights or {}
        self.weigh = Weights(self.weights, 0, {})

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        latent, samples = trace.latent, trace.latent.samples
        x = trace.x if samples == 1 else trace.x.repeat_interleave(samples, 0)
        each = self.distortion(trace.x_hat.float(), x)
        distortion = each.unflatten(0, (-1, samples)).mean(1)
        if latent.log_ratio is None:
            total = distortion + latent.penalties["kl"] if "kl" in latent.penalties else distortion
        else:
            bound = (latent.log_ratio - each).unflatten(0, (-1, samples)).logsumexp(1) - math.log(samples)
            total = -bound
        penalty = self.weigh(latent, besides=self.handles)
        total = total if penalty is None else total + penalty
        extra = self.regularizer(model, trace)
        return Terms(
            (total + extra.loss) / math.prod(trace.x.shape[1:]),
            {"distortion": distortion, **latent.penalties, **extra.terms},
        )
