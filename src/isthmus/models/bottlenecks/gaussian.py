"""The variational bottleneck: a diagonal Gaussian posterior over a vector."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.values import Latent, Posterior
from isthmus.models.interfaces import Bottleneck
from isthmus.models.layers import Dense, start_at_zero
from isthmus.models.linear_path import LinearPath


class Gaussian(Bottleneck):
    """A Gaussian posterior q(z|x) = N(mean, variance) with a standard normal prior, or the recipe's `prior`.

    h (B, C, H, W) -> z (B, dim) -> h' (B, C, H, W). z is a sample in training and the mean in evaluation.
    Penalty `kl` (B,): KL(q(z|x) || N(0, 1)) in nats per image, equation 10 of appendix B in
    "Auto-Encoding Variational Bayes" (Kingma and Welling, arXiv:1312.6114).

    Options:
        dim: how many numbers the latent holds.
        samples: how many z are drawn and decoded for every image in training; z is then (B * samples, dim).
    """

    penalties = ("kl",)
    has_posterior = True
    supports_linear_start = True

    def __init__(
        self,
        feature_shape: tuple[int, int, int],
        *,
        dim: Annotated[int, Field(ge=1)],
        samples: Annotated[int, Field(ge=1)] = 1,
    ) -> None:
        super().__init__()
        self.feature_shape = feature_shape
        self.latent_shape = (dim,)
        self.samples = samples
        features = math.prod(feature_shape)
        self.to_posterior = Dense(features, 2 * dim)
        self.to_features = Dense(dim, features)

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        posterior = self.posterior(h, offset=offset)
        mean, log_variance = posterior.mean, posterior.log_variance
        each = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
        samples = self.samples if self.training else 1
        z = posterior.repeated(samples).draw(generator) if self.training else mean
        return Latent(z, {"kl": each.sum(1)}, by_dimension={"kl": each}, posterior=posterior, samples=samples)

    def posterior(self, h: Tensor, *, offset: Tensor | None = None) -> Posterior:
        """h (B, C, H, W) -> q(z|x) in float32: the exponential of a bfloat16 log variance is off by some per cent."""
        mean, log_variance = self.to_posterior(h.permute(0, 2, 3, 1).flatten(1)).float().chunk(2, dim=1)
        return Posterior(mean if offset is None else mean + offset, log_variance)

    def start_beside_linear(self) -> None:
        start_at_zero(self.to_posterior)

    def start_at(self, linear: LinearPath) -> None:
        linear.show_in(self.to_features, self.feature_shape)

    def expand(self, z: Tensor) -> Tensor:
        channels, height, width = self.feature_shape
        return self.to_features(z).unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)
