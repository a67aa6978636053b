"""Draws of codes, position by position."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import Collected
from isthmus.models.interfaces import Sampler


class Codes(Sampler):
    """Draws each position's code with its frequency in training images, independently of the other positions.

    It does not know which codes occur together. That needs another model, an autoregressive one over codes as in
    van den Oord et al., arXiv:1711.00937, section 3.3: expect textures, not pictures.
    """

    def __init__(self, model: Autoencoder, known: Collected) -> None:
        assert known.codes is not None, "chosen for discrete bottlenecks alone"
        self.model, self.seen = model, torch.from_numpy(known.codes)

    @staticmethod
    def suits(model: Autoencoder) -> bool:
        """Whether the latent is made of codes."""
        return model.bottleneck.codes > 0

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent_shape) on the model's device."""
        rows = torch.randint(
            len(self.seen),
            (count, self.seen.shape[1]),
            generator=torch.Generator().manual_seed(generator.initial_seed()),
        )
        codes = self.seen.gather(0, rows).view(count, *self.model.bottleneck.code_shape)
        return self.model.bottleneck.vectors_of(codes.to(self.model.device))
