"""A normalising flow as the prior, learned with the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Posterior
from isthmus.models.interfaces import Prior
from isthmus.models.layers import start_at_zero


class Flow(Prior):
    """A standard normal density transformed by affine couplings, which start as the identity.

    z (N, D) -> log density (N,), in nats. Each coupling scales and shifts one half of the numbers, the two halves in
    turn, by amounts that a small network computes from the other half: "Density estimation using Real NVP" (Dinh et
    al., arXiv:1605.08803, equations 7 and 8).

    Options:
        couplings: how many there are.
        width: hidden units of each coupling's network.
    Raises ValueError if the latent has a single number, which cannot be split into halves.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        couplings: Annotated[int, Field(ge=1)] = 6,
        width: Annotated[int, Field(ge=1)] = 128,
    ) -> None:
        super().__init__()
        self.size = math.prod(latent_shape)
        if self.size < 2:
            raise ValueError("a flow needs a latent of 2 numbers or more; leave the prior out")
        self.networks = nn.ModuleList(_network(self.size, width) for _ in range(couplings))
        kept = torch.arange(self.size) % 2
        self.kept = nn.Buffer(torch.stack([kept if n % 2 else 1 - kept for n in range(couplings)]), persistent=False)

    def forward(self, z: Tensor, posterior_of: Callable[[Tensor], Posterior]) -> Tensor:
        u, volume = z.float(), torch.zeros(len(z), device=z.device)
        for network, kept in zip(self.networks, self.kept, strict=True):
            scale, shift = self._moves(network, u, kept)
            u = u * scale.exp() + shift
            volume = volume + scale.sum(1)
        return volume - 0.5 * (u.square() + math.log(2 * math.pi)).sum(1)

    def sample(
        self, count: int, posterior_of: Callable[[Tensor], Posterior], generator: torch.Generator | None = None
    ) -> Tensor:
        """(count, D) draws."""
        u = torch.empty((count, self.size), device=self.kept.device).normal_(generator=generator)
        for network, kept in zip(reversed(self.networks), self.kept.flip(0), strict=True):
            scale, shift = self._moves(network, u, kept)
            u = (u - shift) * (-scale).exp()
        return u

    def _moves(self, network: nn.Module, u: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithm of the scale, and shift, of each number; both are zero for the numbers that are kept."""
        scale, shift = network(u * kept).float().chunk(2, dim=1)
        # bounded: one coupling scales by at most e, so that the flow does not diverge early in training
        return scale.tanh() * (1 - kept), shift * (1 - kept)


def _network(size: int, width: int) -> nn.Sequential:
    network = nn.Sequential(nn.Linear(size, width), nn.SiLU(), nn.Linear(width, 2 * size))
    start_at_zero(cast(nn.Linear, network[-1]))
    return network
