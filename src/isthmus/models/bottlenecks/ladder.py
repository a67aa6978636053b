"""A ladder of Gaussian latents: each level's prior depends on the levels above it."""

from __future__ import annotations

import math
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Latent, Posterior
from isthmus.models.interfaces import Bottleneck
from isthmus.models.layers import Dense, start_at_zero

Size = Annotated[int, Field(ge=1)]


class Ladder(Bottleneck):
    """Several levels of Gaussian latents, drawn from the top down; the top has a standard normal prior.

    h (B, C, H, W) -> z (B, sum of dims), top first -> h' (B, C, H, W). A network computes each level's prior from the
    levels above. The posterior combines that prior with the encoder's estimate, each weighted by its precision:
    "Ladder Variational Autoencoders" (Sonderby et al., arXiv:1602.02282, equations 17 to 19). z is a sample in
    training; in evaluation every level is its mean.
    Penalty `kl` (B,), nats: the sum over levels of KL(posterior || prior), given the drawn levels above.

    Options:
        dims: how many numbers each level holds, top first.
        width: hidden units of the networks between levels.
    """

    penalties = ("kl",)
    has_own_prior = True

    def __init__(
        self,
        feature_shape: tuple[int, int, int],
        *,
        dims: Annotated[list[Size], Field(min_length=1)] = [16, 48],  # noqa: B006
        width: Size = 256,
    ) -> None:
        super().__init__()
        self.feature_shape = feature_shape
        self.dims = tuple(dims)
        self.latent_shape = (sum(dims),)
        features = math.prod(feature_shape)
        self.to_posterior = Dense(features, 2 * sum(dims))
        above = [sum(dims[:level]) for level in range(1, len(dims))]
        self.to_prior = nn.ModuleList(
            _network(inputs, width, 2 * size) for inputs, size in zip(above, dims[1:], strict=True)
        )
        self.to_features = nn.Sequential(Dense(sum(dims), width), nn.SiLU(), Dense(width, features))

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        assert offset is None, "a level's mean is no sum: there is no start beside a linear path"
        found = self.to_posterior(h.permute(0, 2, 3, 1).flatten(1)).float()
        drawn: list[Tensor] = []
        each: list[Tensor] = []
        for level, said in enumerate(found.split([2 * size for size in self.dims], dim=1)):
            prior = self._prior(level, drawn, said)
            posterior = (
                _combined(Posterior(*said.chunk(2, dim=1)), prior) if level else Posterior(*said.chunk(2, dim=1))
            )
            each.append(_kl(posterior, prior))
            drawn.append(posterior.draw(generator) if self.training else posterior.mean)
        by_dimension = torch.cat(each, 1)
        return Latent(torch.cat(drawn, 1), {"kl": by_dimension.sum(1)}, by_dimension={"kl": by_dimension})

    def sample_prior(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count, sum of dims) draws from the prior, from the top down."""
        like = self.to_posterior.weight.new_zeros(count, 2 * self.dims[0])
        drawn: list[Tensor] = []
        for level in range(len(self.dims)):
            drawn.append(self._prior(level, drawn, like).draw(generator))
        return torch.cat(drawn, 1)

    def expand(self, z: Tensor) -> Tensor:
        channels, height, width = self.feature_shape
        return self.to_features(z).unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)

    def _prior(self, level: int, drawn: list[Tensor], like: Tensor) -> Posterior:
        if level == 0:
            zero = torch.zeros_like(like[:, : self.dims[0]])
            return Posterior(zero, zero)
        said = self.to_prior[level - 1](torch.cat(drawn, 1)).float()
        return Posterior(*said.chunk(2, dim=1))


def _combined(said: Posterior, prior: Posterior) -> Posterior:
    """The product of both densities, normalised."""
    precisions = (-said.log_variance).exp(), (-prior.log_variance).exp()
    total = precisions[0] + precisions[1]
    return Posterior((said.mean * precisions[0] + prior.mean * precisions[1]) / total, -total.log())


def _kl(one: Posterior, other: Posterior) -> Tensor:
    """KL(one || other) for each number, (B, D), nats."""
    ratio = one.log_variance - other.log_variance
    return 0.5 * ((one.mean - other.mean).square() * (-other.log_variance).exp() + ratio.exp() - 1 - ratio)


def _network(inputs: int, width: int, outputs: int) -> nn.Sequential:
    network = nn.Sequential(Dense(inputs, width), nn.SiLU(), Dense(width, outputs))
    start_at_zero(cast(nn.Linear, network[-1]))  # starts as a standard normal, like the top level's prior
    return network
