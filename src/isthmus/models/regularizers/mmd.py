"""The distance of all latents together from a standard normal: WAE-MMD and InfoVAE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.values import Terms, Trace
from isthmus.models import seeding
from isthmus.models.distances import squared_distances
from isthmus.models.interfaces import Regularizer
from isthmus.models.regularizers._model import need_vector
from isthmus.models.whole_batch import gathered
from isthmus.models.widest import widest_dtype

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder

_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Mmd(Regularizer):
    """weight * squared maximum mean discrepancy between the batch's latents and as many standard normal draws.

    The estimate is unbiased: for equal distributions it is about zero and sometimes negative. It uses inverse
    multiquadratic kernels c / (c + d^2) at seven scales c around twice the latent's size. With bottleneck `vector` it
    is the WAE-MMD: "Wasserstein Auto-Encoders" (Tolstikhin et al., arXiv:1711.01558, algorithm 2 and section 4); with
    `gaussian` and a weight of the KL below 1, the InfoVAE (Zhao et al., arXiv:1706.02262, equation 6). Every image
    gets the same value.

    Options:
        weight: of the discrepancy, which is at most about 14 (seven scales).
    """

    towards_prior = True  # all latents together should become draws of the prior

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        image_shape: tuple[int, int, int],
        *,
        weight: Annotated[float, Field(ge=0)] = 100.0,
    ) -> None:
        super().__init__()
        self.weight = weight

    def check(self, model: Autoencoder) -> None:
        need_vector(model, "mmd")

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        z = gathered(trace.latent.z.float())
        if self.training:
            drawn = torch.randn_like(z)
        else:
            generator = seeding.generator("validation", 0, device=z.device)
            drawn = torch.randn(z.shape, generator=generator, device=z.device)
        found = mmd(z, drawn) * trace.x.new_ones(len(trace.x))
        return Terms(self.weight * found, {"mmd": found})


def mmd(one: Tensor, other: Tensor) -> Tensor:
    """one, other (N, D) -> the unbiased squared discrepancy, a scalar, summed over the scales."""
    total = one.new_zeros((), dtype=widest_dtype(one.device))
    within, across = max(len(one) * (len(one) - 1), 1), len(one) * len(other)
    distances = [squared_distances(*pair) for pair in ((one, one), (other, other), (one, other))]
    for scale in _SCALES:
        size = 2 * one.shape[1] * scale
        ours, theirs, both = (size / (size + squared) for squared in distances)
        # the kernel of a latent with itself is always 1, so these ones are subtracted
        total = total + (ours.sum() + theirs.sum() - len(one) - len(other)) / within - 2 * both.sum() / across
    return total.to(one.dtype)
