"""Draws from a mixture of Gaussians fitted to the training latents."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from isthmus.models import latent_mixture
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import Collected
from isthmus.models.interfaces import Sampler
from isthmus.models.latent_usage import principal_directions

_LEAST = 1e-6  # a direction with a smaller share of the widest direction's variance is left out


class Mixture(Sampler):
    """Draws from Gaussians fitted to the latents after training, for models without a prior.

    It works in the latents' principal directions: up to ten full Gaussians over the 32 widest, and one normal for each
    of the others. Source: "From Variational to Deterministic Autoencoders" (Ghosh et al., arXiv:1903.12436, section 4).
    """

    def __init__(self, model: Autoencoder, known: Collected) -> None:
        self.model = model
        self.mean = known.z.mean(0)
        variances, directions = principal_directions(known.z)
        order = np.argsort(variances)[::-1]
        held = order[variances[order] > max(_LEAST * float(variances.max()), 1e-12)]
        self.spread, self.directions = np.sqrt(variances[held]), directions[:, held]
        if not len(held):  # all images have the same latent, so every draw is that latent
            self.fitted = {}
            return
        self.fitted = latent_mixture.fit((known.z - self.mean) @ self.directions / self.spread)

    @staticmethod
    def suits(model: Autoencoder) -> bool:
        """Whether points between and around the seen latents are valid latents; false for codes."""
        return not model.bottleneck.codes

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent_shape) on the model's device."""
        if not self.fitted:
            return (
                torch.from_numpy(self.mean).expand(count, -1).to(self.model.device).view(-1, *self.model.latent_shape)
            )
        weights, means, factors = (self.fitted[f"mixture/{name}"] for name in ("weights", "means", "factors"))
        random = np.random.default_rng(generator.initial_seed())
        parts = random.choice(len(weights), count, p=weights.astype(np.float64) / weights.astype(np.float64).sum())
        drawn = random.standard_normal((count, len(self.spread)))
        over = means.shape[1]
        drawn[:, :over] = means[parts] + np.einsum("nij,nj->ni", factors[parts], drawn[:, :over])
        z = self.mean + (drawn * self.spread) @ self.directions.T
        return torch.from_numpy(z.astype(np.float32)).to(self.model.device).view(count, *self.model.latent_shape)
