"""An adversary that judges latents."""

from __future__ import annotations

import math

from torch import Tensor, nn

from isthmus.core.values import Trace


class Discriminator(nn.Sequential):
    """latents (B, *latent_shape) -> log odds (B,), through two hidden layers of `width` units."""

    def __init__(self, latent_shape: tuple[int, ...], width: int) -> None:
        super().__init__(
            nn.Linear(math.prod(latent_shape), width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.flatten(1)).squeeze(1)


def first_latents(trace: Trace) -> Tensor:
    """The first sample of every image, (B, *latent_shape)."""
    return trace.latent.z.float()[:: trace.latent.samples]
