"""The total correlation of the latent, estimated in the batch: the beta-TC-VAE."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.values import Posterior, Terms, Trace
from isthmus.models.interfaces import Regularizer
from isthmus.models.regularizers._model import need_posterior, posterior_of
from isthmus.models.whole_batch import gathered

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class TotalCorrelation(Regularizer):
    """weight * KL(q(z) || product of q(z_j)), nats: how far the latent's numbers are from independent.

    Added to a `gaussian` bottleneck's KL at weight 1, it is the beta-TC-VAE with beta = 1 + weight: "Isolating Sources
    of Disentanglement in VAEs" (Chen et al., arXiv:1802.04942, equation 2). The densities are those of minibatch
    weighted sampling (appendix C.1, equation S3), with the batch in place of the data set: the size of the data set
    only enters a constant without gradient. So the gradient equals the paper's, and the value is too low by up to
    log(images / batch) * (numbers - 1).

    Options:
        weight: of the total correlation; beta - 1 of the paper.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        weight: Annotated[float, Field(ge=0)] = 5.0,
    ) -> None:
        super().__init__()
        self.weight = weight

    def check(self, model: Autoencoder) -> None:
        need_posterior(model, "total_correlation")

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        posterior, samples = posterior_of(trace), trace.latent.samples
        z = trace.latent.z.float()[::samples]  # the first sample of every image
        found = total_correlation(z, posterior)
        return Terms(self.weight * found, {"total_correlation": found})


def total_correlation(z: Tensor, posterior: Posterior) -> Tensor:
    """z (B, D) drawn from the posteriors (B, D) -> log q(z) - sum_j log q(z_j), (B,), each q the batch's mixture."""
    mean, log_variance = gathered(posterior.mean)[None], gathered(posterior.log_variance)[None]
    each = -0.5 * ((z[:, None] - mean).square() * (-log_variance).exp() + log_variance + math.log(2 * math.pi))
    count = math.log(mean.shape[1])
    joint = each.sum(2).logsumexp(1) - count
    apart = (torch.logsumexp(each, 1) - count).sum(1)
    return joint - apart
