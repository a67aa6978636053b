"""The standard normal prior."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from isthmus.core.values import Posterior
from isthmus.models.interfaces import Prior


class Standard(Prior):
    """A standard normal density over the latent, for which the bottleneck knows its KL in closed form.

    z (N, D) -> log density (N,), in nats.
    """

    closed_form = True

    def __init__(self, latent_shape: tuple[int, ...], image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.size = math.prod(latent_shape)

    def forward(self, z: Tensor, posterior_of: Callable[[Tensor], Posterior]) -> Tensor:
        return -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)

    def sample(
        self, count: int, posterior_of: Callable[[Tensor], Posterior], generator: torch.Generator | None = None
    ) -> Tensor:
        """(count, D) draws."""
        device = generator.device if generator is not None else torch.device("cpu")
        return torch.randn((count, self.size), generator=generator, device=device)
