"""Draws from the model's own prior."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import Collected
from isthmus.models.interfaces import Sampler


class Prior(Sampler):
    """Draws from the density that training pulled the latents towards; a variational model should decode these well.

    For a bottleneck without a prior it is the standard normal, towards which the regularizer of a Wasserstein or
    adversarial autoencoder trains.
    """

    def __init__(self, model: Autoencoder, known: Collected) -> None:
        self.model = model

    @staticmethod
    def suits(model: Autoencoder) -> bool:
        """Whether the model was trained with a prior that latents can be drawn from."""
        return model.bottleneck.has_posterior or model.bottleneck.has_own_prior

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent_shape) on the model's device."""
        if self.model.bottleneck.has_own_prior:
            return self.model.bottleneck.sample_prior(count, generator)
        z = self.model.prior.sample(count, self.model.posterior_of, generator)
        return z.view(count, *self.model.latent_shape)
