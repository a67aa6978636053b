"""How far the covariance of the latent is from the identity: DIP-VAE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field

from isthmus.core.values import Terms, Trace
from isthmus.models.interfaces import Regularizer
from isthmus.models.regularizers._model import need_posterior, posterior_of
from isthmus.models.whole_batch import batch_mean, gathered

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class Dip(Regularizer):
    """off_diagonal * sum of squared covariances + diagonal * sum of squared (variance - 1), of the batch.

    Type "i" takes the covariance of the posteriors' means; type "ii" that of the latents, which adds the posteriors'
    mean variances to the diagonal. "Variational Inference of Disentangled Latent Concepts" (Kumar et al.,
    arXiv:1711.00848, equations 5 to 7). Every image of the batch gets the same value.

    Options:
        type: "i" or "ii".
        off_diagonal: weight of the covariances.
        diagonal: weight of the variances.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        type: Literal["i", "ii"] = "ii",
        off_diagonal: Annotated[float, Field(ge=0)] = 10.0,
        diagonal: Annotated[float, Field(ge=0)] = 10.0,
    ) -> None:
        super().__init__()
        self.variant, self.off_diagonal, self.diagonal = type, off_diagonal, diagonal

    def check(self, model: Autoencoder) -> None:
        need_posterior(model, "dip")

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        posterior = posterior_of(trace)
        mean = gathered(posterior.mean)
        centred = mean - mean.mean(0)
        covariance = centred.T @ centred / len(centred)
        if self.variant == "ii":
            covariance = covariance + torch.diag(batch_mean(posterior.log_variance.exp()))
        variances = covariance.diagonal()
        across = covariance.square().sum() - variances.square().sum()
        along = (variances - 1).square().sum()
        loss = self.off_diagonal * across + self.diagonal * along
        shape = trace.x.new_ones(len(trace.x))
        return Terms(loss * shape, {"covariance": across * shape, "variance_error": along * shape})
