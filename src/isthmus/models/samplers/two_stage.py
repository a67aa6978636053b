"""Draws from a second, small variational autoencoder over the training latents."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.core.streams import stream
from isthmus.core.values import Posterior
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import Collected
from isthmus.models.interfaces import Sampler
from isthmus.models.seeding import drawing

_STEPS, _BATCH, _WIDTH, _RATE = 1500, 256, 256, 1e-3
_LEAST = 1e-6


class TwoStage(Sampler):
    """A variational autoencoder of the latents; its own latents are closer to a standard normal.

    "Diagnosing and Enhancing VAE Models" (Dai and Wipf, arXiv:1903.05789, section 4): its latent has the same size, its
    layers are dense, and its variance is learned. It trains for about ten seconds on one core, with its own seed.
    """

    def __init__(self, model: Autoencoder, known: Collected) -> None:
        self.model = model
        z = torch.from_numpy(known.z)
        self.mean, self.spread = z.mean(0), z.std(0).clamp(min=_LEAST)
        scaled = (z - self.mean) / self.spread
        size = z.shape[1]
        with drawing("second stage", 0), torch.enable_grad():
            self.encoder, self.decoder = _network(size, 2 * size), _network(size, size)
            self.log_std = nn.Parameter(torch.zeros(()))
            weights = [*self.encoder.parameters(), *self.decoder.parameters(), self.log_std]
            optimizer = torch.optim.AdamW(weights, _RATE, fused=True)
            order = np.random.default_rng(stream("second stage", 0, 1))
            for step in range(_STEPS):
                for group in optimizer.param_groups:
                    group["lr"] = _RATE * (1 - step / _STEPS)
                chosen = torch.from_numpy(order.integers(0, len(scaled), min(_BATCH, len(scaled))))
                loss = self._loss(scaled[chosen])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    @staticmethod
    def suits(model: Autoencoder) -> bool:
        """Whether points between and around the seen latents are valid latents; false for codes."""
        return not model.bottleneck.codes

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent_shape) on the model's device."""
        own = torch.Generator().manual_seed(generator.initial_seed())
        with torch.no_grad():
            made = self.decoder(torch.randn((count, len(self.mean)), generator=own))
            made = made + self.log_std.exp() * torch.randn(made.shape, generator=own)
        z = self.mean + made * self.spread
        return z.to(self.model.device).view(count, *self.model.latent_shape)

    def _loss(self, z: Tensor) -> Tensor:
        """The negative ELBO per image, constants left out."""
        posterior = Posterior(*self.encoder(z).chunk(2, dim=1))
        made = self.decoder(posterior.draw())
        error = 0.5 * ((made - z) * (-self.log_std).exp()).square() + self.log_std
        variance = posterior.log_variance.exp()
        kl = 0.5 * (posterior.mean.square() + variance - 1 - posterior.log_variance)
        return (error + kl).sum(1).mean()


def _network(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, outputs)
    )
