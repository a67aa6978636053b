"""Vector quantisation: every position becomes the nearest vector of a learned codebook."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Latent
from isthmus.models.bottlenecks._codebook import Codebook, Gradient, passed
from isthmus.models.interfaces import Bottleneck


class Vq(Bottleneck):
    """A codebook of vectors that follow the encoder; each position of the feature map becomes one of them.

    h (B, C, H, W) -> z (B, dim, H, W) -> h' of h's shape, through a 1x1 convolution each way. codes: (B, H, W) int64.
    Penalty `commitment` (B,): squared distance of the encoder's outputs from their codes, summed over positions and
    numbers; equation 3 of "Neural Discrete Representation Learning" (van den Oord et al., arXiv:1711.00937), where
    its weight is 0.25. The codebook itself is a moving average and has no loss. A small `dim` keeps more codes in
    use (Yu et al., arXiv:2110.04627, section 3.2). The rate is at most log2(codes) bits per position.

    Options:
        codes: how many vectors the codebook holds.
        dim: numbers in each of them.
        gradient: how the encoder gets its gradient, "straight-through" or "rotation" (arXiv:2410.06424).
        decay: share of the codebook's moving averages that a step keeps.
        revive: a code used less than this fraction of its fair share is replaced by an encoder output; 0 for never.
    """

    penalties = ("commitment",)

    def __init__(
        self,
        feature_shape: tuple[int, int, int],
        *,
        codes: Annotated[int, Field(ge=2, le=2**16)] = 1024,
        dim: Annotated[int, Field(ge=1)] = 8,
        gradient: Gradient = "straight-through",
        decay: Annotated[float, Field(ge=0, lt=1)] = 0.95,
        revive: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        channels, height, width = feature_shape
        self.codes = codes
        self.code_shape = (height, width)
        self.latent_shape = (dim, height, width)
        self.gradient: Gradient = gradient
        self.to_latent = nn.Conv2d(channels, dim, 1)
        self.book = Codebook(codes, dim, decay=decay, revive=revive)
        self.to_features = nn.Conv2d(dim, channels, 1)

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        assert offset is None, "a code is no sum: there is no start beside a linear path"
        outputs = self.to_latent(h).float().movedim(1, -1)
        flat = outputs.flatten(0, -2)
        codes = self.book(flat, generator)
        chosen = self.book.vectors[codes]
        commitment = (flat - chosen).square().view(outputs.shape).flatten(1).sum(1)
        z = passed(flat, chosen, self.gradient) if self.training else chosen
        return Latent(
            z.view(outputs.shape).movedim(-1, 1), {"commitment": commitment}, codes=codes.view(outputs.shape[:-1])
        )

    def codes_of(self, z: Tensor) -> Tensor:
        """z (B, dim, H, W) -> codes (B, H, W) int64."""
        rows = z.movedim(1, -1)
        return self.book.nearest(rows.flatten(0, -2)).view(rows.shape[:-1])

    def vectors_of(self, codes: Tensor) -> Tensor:
        """codes (B, H, W) -> z (B, dim, H, W)."""
        return self.book.vectors[codes].movedim(-1, 1)

    def codebook(self) -> Tensor:
        """(codes, dim): the vector behind each code."""
        return self.book.vectors

    def expand(self, z: Tensor) -> Tensor:
        return self.to_features(z)
