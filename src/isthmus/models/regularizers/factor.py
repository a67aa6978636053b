"""The total correlation of the latent, by a discriminator that tells latents from shuffled ones: FactorVAE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from isthmus.core.share import own
from isthmus.core.values import Adversary, Terms, Trace
from isthmus.models.interfaces import Regularizer
from isthmus.models.regularizers._discriminator import Discriminator, first_latents
from isthmus.models.regularizers._model import need_posterior
from isthmus.models.whole_batch import gathered

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class Factor(Regularizer):
    """weight * the total correlation that a discriminator sees, nats.

    The discriminator learns to tell latents from latents in which each number was shuffled over the images. The log
    odds of a perfect discriminator, averaged over latents, are the total correlation. "Disentangling by Factorising"
    (Kim and Mnih, arXiv:1802.05983, equations 2 and 3, algorithm 2); here both losses use the same batch.

    Options:
        weight: of the total correlation; gamma of the paper.
        width: hidden units of the discriminator's layers.
        learning_rate: of the discriminator.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        weight: Annotated[float, Field(ge=0)] = 10.0,
        width: Annotated[int, Field(ge=1)] = 256,
        learning_rate: Annotated[float, Field(gt=0)] = 1e-3,
    ) -> None:
        super().__init__()
        self.weight = weight
        self.discriminator = Discriminator(latent_shape, width)
        self.adversaries = {"discriminator": Adversary(self.discriminator, learning_rate)}

    def check(self, model: Autoencoder) -> None:
        need_posterior(model, "factor")

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        odds = self.discriminator(first_latents(trace))
        return Terms(self.weight * odds, {"total_correlation": odds})

    def adversary_terms(self, trace: Trace) -> Terms:
        z = first_latents(trace)
        true, shuffled = self.discriminator(z), self.discriminator(_shuffled(z))
        loss = F.softplus(-true) + F.softplus(shuffled)
        right = ((true > 0).float() + (shuffled < 0).float()) / 2
        return Terms(loss / 2, {"discriminator_accuracy": right})


def _shuffled(z: Tensor) -> Tensor:
    """Every column of z (B, D), each in its own random order."""
    whole = gathered(z)
    return own(whole.gather(0, torch.rand_like(whole).argsort(0)))
