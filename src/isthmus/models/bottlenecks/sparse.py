"""A sparse bottleneck by penalty: few numbers are large for any one image."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.values import Latent
from isthmus.models.interfaces import Bottleneck
from isthmus.models.layers import Dense
from isthmus.models.whole_batch import batch_mean


class Sparse(Bottleneck):
    """Activations with a penalty: on their size, or on how far their mean is from a target density.

    h (B, C, H, W) -> z (B, dim) -> h' (B, C, H, W). Penalty `sparsity` (B,), chosen by option `penalty`:
    "l1": the sum of the activations, which a ReLU keeps at or above zero;
    "kl": KL, in nats, from a Bernoulli distribution with the target density to one with the activation's mean over the
    batch, summed over activations. A sigmoid keeps activations between 0 and 1 ("Sparse autoencoder", Ng, CS294A
    lecture notes, section 3).

    Options:
        dim: how many numbers there are.
        penalty: "l1" or "kl".
        density: for "kl", the mean that each activation should have.
    """

    penalties = ("sparsity",)

    def __init__(
        self,
        feature_shape: tuple[int, int, int],
        *,
        dim: Annotated[int, Field(ge=1)],
        penalty: Literal["l1", "kl"] = "l1",
        density: Annotated[float, Field(gt=0, lt=1)] = 0.05,
    ) -> None:
        super().__init__()
        self.feature_shape = feature_shape
        self.latent_shape = (dim,)
        self.penalty, self.density = penalty, density
        features = math.prod(feature_shape)
        self.to_latent = Dense(features, dim)
        self.to_features = Dense(dim, features)

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        assert offset is None, "a clipped sum is no sum: there is no start beside a linear path"
        values = self.to_latent(h.permute(0, 2, 3, 1).flatten(1)).float()
        if self.penalty == "l1":
            z = values.relu()
            return Latent(z, {"sparsity": z.sum(1)}, by_dimension={"sparsity": z})
        z = values.sigmoid()
        mean = batch_mean(z).clamp(1e-6, 1 - 1e-6)
        wanted = self.density
        cost = wanted * (math.log(wanted) - mean.log()) + (1 - wanted) * (math.log(1 - wanted) - (1 - mean).log())
        return Latent(z, {"sparsity": cost.sum().expand(len(z))})

    def expand(self, z: Tensor) -> Tensor:
        channels, height, width = self.feature_shape
        return self.to_features(z).unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)
