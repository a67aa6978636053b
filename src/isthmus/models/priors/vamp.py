"""The VampPrior: a mixture of posteriors of learned images."""

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


class Vamp(Prior):
    """The equal mixture of the posteriors of images that are learned with the model.

    z (N, D) -> log density (N,), in nats. Equation 9 of "VAE with a VampPrior" (Tomczak and Welling,
    arXiv:1705.07120). Each step also encodes the learned images, at the cost of that many more training images.

    Options:
        components: how many learned images.
    """

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        components: Annotated[int, Field(ge=1)] = 32,
    ) -> None:
        super().__init__()
        # passed through tanh: pixels in [-1, 1], which start as a noisy mid-grey
        self.images = nn.Parameter(0.5 * torch.randn(components, *image_shape))

    def forward(self, z: Tensor, posterior_of: Callable[[Tensor], Posterior]) -> Tensor:
        each = log_densities(z, posterior_of(self.images.tanh()))
        return (each.logsumexp(1) - math.log(len(self.images))).float()

    def sample(
        self, count: int, posterior_of: Callable[[Tensor], Posterior], generator: torch.Generator | None = None
    ) -> Tensor:
        """(count, D) draws."""
        held = posterior_of(self.images.tanh())
        chosen = torch.randint(len(self.images), (count,), generator=generator, device=self.images.device)
        return Posterior(held.mean[chosen], held.log_variance[chosen]).draw(generator)
