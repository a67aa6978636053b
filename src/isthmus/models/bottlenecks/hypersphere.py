"""The hyperspherical bottleneck: a power spherical posterior, a uniform prior on the sphere."""

from __future__ import annotations

import math
from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from isthmus.core.share import own
from isthmus.core.values import Latent
from isthmus.models.interfaces import Bottleneck
from isthmus.models.layers import Dense
from isthmus.models.whole_batch import drawn_like, gathered
from isthmus.models.widest import widest

_LEAST = 1e-7


class Hypersphere(Bottleneck):
    """A latent of length 1, drawn around a mean direction; each image has its own direction and concentration.

    h (B, C, H, W) -> z (B, dim), |z| = 1 -> h' (B, C, H, W). z is a sample in training and the mean direction in
    evaluation. The posterior's density is proportional to (1 + mean . z) ** concentration: "The Power Spherical
    distribution" (De Cao and Aziz, arXiv:2006.04437). It replaces the von Mises-Fisher distribution of "Hyperspherical
    Variational Auto-Encoders" (Davidson et al., arXiv:1804.00891), which needs rejection sampling.
    Penalty `kl` (B,): KL from the posterior to the uniform distribution on the sphere, nats per image.

    Options:
        dim: how many numbers the latent holds; its sphere has one dimension less.
    """

    penalties = ("kl",)
    has_own_prior = True

    def __init__(self, feature_shape: tuple[int, int, int], *, dim: Annotated[int, Field(ge=2)]) -> None:
        super().__init__()
        self.feature_shape = feature_shape
        self.latent_shape = (dim,)
        features = math.prod(feature_shape)
        self.to_posterior = Dense(features, dim + 1)
        self.to_features = Dense(dim, features)

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        assert offset is None, "a direction is no sum: there is no start beside a linear path"
        found = self.to_posterior(h.permute(0, 2, 3, 1).flatten(1)).float()
        mean, concentration = F.normalize(found[:, :-1], dim=1), F.softplus(found[:, -1]) + 1
        kl = kl_to_uniform(concentration, self.latent_shape[0])
        z = self._draw(mean, concentration, generator) if self.training else mean
        return Latent(z, penalties={"kl": kl})

    def expand(self, z: Tensor) -> Tensor:
        channels, height, width = self.feature_shape
        # scaled to about unit size, which the dense layer's initial weights assume
        return self.to_features(z * math.sqrt(z.shape[1])).unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)

    def sample_prior(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count, dim) directions, all equally likely."""
        return F.normalize(self.to_features.weight.new_empty(count, *self.latent_shape).normal_(generator=generator))

    def _draw(self, mean: Tensor, concentration: Tensor, generator: torch.Generator | None) -> Tensor:
        """The paper's sampling: a height along the first axis and a direction around it, reflected onto the mean."""
        beta = torch.full_like(concentration, (mean.shape[1] - 1) / 2)
        # a draw takes a number of random bits that depends on its shape, so the whole batch is drawn
        up, down = (own(_gamma(gathered(shape), generator)) for shape in (beta + concentration, beta))
        share = (up + down).clamp(min=_LEAST)
        height = (up - down) / share
        around = F.normalize(drawn_like(mean[:, 1:], lambda lot: lot.normal_(generator=generator)), dim=1)
        # sqrt(1 - height**2); computed in that form, it would be rounding error near the pole
        flat = around * (2 * (up * down).clamp(min=_LEAST).sqrt() / share)[:, None]
        drawn = torch.cat([height[:, None], flat], dim=1)
        pole = F.one_hot(torch.zeros(len(mean), dtype=torch.long, device=mean.device), mean.shape[1])
        mirror = F.normalize(pole - mean, dim=1)  # normal of the Householder reflection that maps the pole to the mean
        return drawn - 2 * (mirror * drawn).sum(1, keepdim=True) * mirror


def kl_to_uniform(concentration: Tensor, dim: int) -> Tensor:
    """KL from a power spherical distribution in `dim` dimensions to the uniform one: concentration (B,) -> nats (B,).

    It is the logarithm of the sphere's area minus the distribution's entropy, as in the paper.
    """
    # An exported encoder returns the latent only. A cast would keep all of this in its graph, and ONNX has no lgamma.
    if torch.compiler.is_exporting():
        return _kl_to_uniform(concentration, dim)
    # float64, because the logarithms of gamma functions nearly cancel
    return _kl_to_uniform(widest(concentration), dim).to(concentration.dtype)


def _kl_to_uniform(concentration: Tensor, dim: int) -> Tensor:
    beta = torch.full_like(concentration, (dim - 1) / 2)
    alpha = beta + concentration
    both = alpha + beta
    log_scale = -(both * math.log(2) + beta * math.log(math.pi) + torch.lgamma(alpha) - torch.lgamma(both))
    expected = concentration * (math.log(2) + torch.digamma(alpha) - torch.digamma(both))
    log_area = math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)
    return log_scale + expected + log_area


def _gamma(shape: Tensor, generator: torch.Generator | None) -> Tensor:
    """Differentiable draws of Gamma(shape, 1); torch.distributions cannot, as it uses the global generator."""
    return torch._standard_gamma(shape, generator=generator)  # pyright: ignore[reportPrivateUsage]
