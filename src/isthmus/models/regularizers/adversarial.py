"""A discriminator that tells latents from draws of the prior: the adversarial autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch.nn.functional as F
from pydantic import Field

from isthmus.core.values import Adversary, Terms, Trace
from isthmus.models.interfaces import Regularizer
from isthmus.models.regularizers._discriminator import Discriminator, first_latents
from isthmus.models.regularizers._model import need_vector
from isthmus.models.whole_batch import drawn_like

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder


class Adversarial(Regularizer):
    """weight * how sure a discriminator is that a latent is not a draw from a standard normal, nats.

    The discriminator learns to tell the two apart, and the encoder learns to be mistaken for the prior: "Adversarial
    Autoencoders" (Makhzani et al., arXiv:1511.05644, section 2), with the loss whose gradient does not vanish while
    the discriminator wins (Goodfellow et al., arXiv:1406.2661, section 3).

    Options:
        weight: of the encoder's part.
        width: hidden units of the discriminator's layers.
        learning_rate: of the discriminator.
    """

    towards_prior = True  # all latents together should become draws of the prior

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
        need_vector(model, "adversarial")

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        # the discriminator's answer is the log odds of being a draw from the prior
        caught = F.softplus(-self.discriminator(first_latents(trace)))
        return Terms(self.weight * caught, {"caught": caught})

    def adversary_terms(self, trace: Trace) -> Terms:
        z = first_latents(trace)
        ours, prior = self.discriminator(z), self.discriminator(drawn_like(z, lambda lot: lot.normal_()))
        loss = F.softplus(ours) + F.softplus(-prior)
        right = ((ours < 0).float() + (prior > 0).float()) / 2
        return Terms(loss / 2, {"discriminator_accuracy": right})
