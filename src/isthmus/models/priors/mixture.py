"""A mixture of Gaussians as the prior, learned with the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Posterior
from isthmus.models.distances import log_densities
from isthmus.models.interfaces import Prior
from isthmus.models.widest import widest


class Mixture(Prior):
    """A weighted sum of Gaussians with independent numbers, whose means, variances and weights are learned.

    z (N, D) -> log density (N,), in nats. The mixture prior with which "VAE with a VampPrior" (Tomczak and Welling,
    arXiv:1705.07120, section 3) compares its own.

    Options:
        components: how many Gaussians.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        components: Annotated[int, Field(ge=1)] = 32,
    ) -> None:
        super().__init__()
        size = math.prod(latent_shape)
        self.means = nn.Parameter(torch.randn(components, size))  # different, or all would get equal gradients
        self.log_variances = nn.Parameter(torch.zeros(components, size))
        self.logits = nn.Parameter(torch.zeros(components))

    def forward(self, z: Tensor, posterior_of: Callable[[Tensor], Posterior]) -> Tensor:
        each = log_densities(z, Posterior(self.means, self.log_variances))
        return (widest(self.logits).log_softmax(0) + each).logsumexp(1).float()

    def sample(
        self, count: int, posterior_of: Callable[[Tensor], Posterior], generator: torch.Generator | None = None
    ) -> Tensor:
        """(count, D) draws."""
        chosen = torch.multinomial(self.logits.softmax(0), count, replacement=True, generator=generator)
        return Posterior(self.means[chosen], self.log_variances[chosen]).draw(generator)
