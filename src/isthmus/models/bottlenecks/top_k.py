"""A sparse bottleneck: the largest numbers stay, the rest are zero."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Latent
from isthmus.models.interfaces import Bottleneck
from isthmus.models.layers import Dense
from isthmus.models.whole_batch import batch_mean


class TopK(Bottleneck):
    """Keeps the `k` largest of `dim` numbers by absolute value, for every image.

    h (B, C, H, W) -> z (B, dim) -> h' (B, C, H, W). "k-Sparse Autoencoders" (Makhzani and Frey, arXiv:1312.5663,
    section 2). In training, the choice multiplies each number by exp(boost * (share - recent usage)), share = k / dim:
    this favours numbers that were chosen too rarely over those chosen too often. "How Can We Be So Dense?" (Ahmad and
    Scheinkman, arXiv:1903.11257, section 3.2). It keeps numbers from dying, and changes only the choice, not the
    value.

    Options:
        dim: how many numbers there are.
        k: how many of them are not zero.
        boost: strength of this correction; 0 for none.
        decay: share of the running usage that a step keeps.
    Raises ValueError if k is larger than dim.
    """

    def __init__(
        self,
        feature_shape: tuple[int, int, int],
        *,
        dim: Annotated[int, Field(ge=1)],
        k: Annotated[int, Field(ge=1)] = 1,
        boost: Annotated[float, Field(ge=0)] = 10.0,
        decay: Annotated[float, Field(ge=0, lt=1)] = 0.99,
    ) -> None:
        super().__init__()
        if k > dim:
            raise ValueError(f"k {k} is more than the {dim} numbers there are; choose a smaller k or a larger dim")
        self.feature_shape = feature_shape
        self.latent_shape = (dim,)
        self.k, self.boost, self.decay = k, boost, decay
        features = math.prod(feature_shape)
        self.to_latent = Dense(features, dim)
        self.to_features = Dense(dim, features)
        self.usage = nn.Buffer(torch.full((dim,), k / dim))

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        assert offset is None, "what is set to zero is no sum: there is no start beside a linear path"
        values = self.to_latent(h.permute(0, 2, 3, 1).flatten(1)).float()
        score = values.detach().abs()
        if self.training:
            score = score * (self.boost * (self.k / len(self.usage) - self.usage)).exp()
        kept = torch.zeros_like(score).scatter_(1, score.topk(self.k, dim=1).indices, 1.0)
        if self.training:
            with torch.no_grad():
                self.usage.lerp_(batch_mean(kept), 1 - self.decay)
        return Latent(values * kept)

    def expand(self, z: Tensor) -> Tensor:
        channels, height, width = self.feature_shape
        return self.to_features(z).unflatten(1, (height, width, channels)).permute(0, 3, 1, 2)
