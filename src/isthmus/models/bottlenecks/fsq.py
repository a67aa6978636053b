"""Finite scalar quantisation: every number of the latent is rounded to one of a few levels."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Latent
from isthmus.models.interfaces import Bottleneck

_MOST_CODES = 2**16
_MARGIN = 1e-3  # the outermost level lies this far inside the bound, at whose end the gradient would vanish


class Fsq(Bottleneck):
    """A grid of codes without a learned codebook: each position holds one rounded number per entry of `levels`.

    h (B, C, H, W) -> z (B, len(levels), H, W), each number one of its levels, spread over [-1, 1] -> h' of h's shape,
    through a 1x1 convolution each way. codes: (B, H, W) int64, mixed radix, the first of `levels` varying fastest.
    Gradients pass the rounding unchanged. "Finite Scalar Quantization: VQ-VAE Made Simple" (Mentzer et al.,
    arXiv:2309.15505, section 3.1 and appendix A.1). The rate is at most log2(product of levels) bits per position.

    Options:
        levels: how many values each number can take; [8, 5, 5, 5] are 1,000 codes.
    """

    def __init__(
        self,
        feature_shape: tuple[int, int, int],
        *,
        levels: Annotated[list[Annotated[int, Field(ge=2, le=256)]], Field(min_length=1, max_length=16)] = [8, 5, 5, 5],  # noqa: B006
    ) -> None:
        super().__init__()
        channels, height, width = feature_shape
        self.codes = math.prod(levels)
        if self.codes > _MOST_CODES:
            raise ValueError(f"levels {levels} make {self.codes:,} codes; choose fewer, {_MOST_CODES:,} at most")
        self.code_shape = (height, width)
        self.latent_shape = (len(levels), height, width)
        self.to_latent = nn.Conv2d(channels, len(levels), 1)
        self.to_features = nn.Conv2d(len(levels), channels, 1)
        count = torch.tensor(levels, dtype=torch.float64).view(-1, 1, 1)
        reach = (count - 1) * (1 + _MARGIN) / 2
        offset = torch.where(count % 2 == 0, 0.5, 0.0)  # an even number of levels is centred on a half
        places = [math.prod(levels[:place]) for place in range(len(levels))]
        self.reach, self.offset, self.shift, self.centre = (
            nn.Buffer(value.float(), persistent=False)
            for value in (reach, offset, torch.atanh(offset / reach), torch.floor(count / 2))
        )
        self.counts = nn.Buffer(torch.tensor(levels).view(-1, 1, 1), persistent=False)
        self.places = nn.Buffer(torch.tensor(places).view(-1, 1, 1), persistent=False)

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        assert offset is None, "a sum that is rounded is no longer a sum: there is no start beside a linear path"
        bounded = torch.tanh(self.to_latent(h).float() + self.shift) * self.reach - self.offset
        rounded = torch.round(bounded)
        if self.training:
            rounded = bounded + (rounded - bounded).detach()
        z = rounded / self.centre
        return Latent(z, codes=self.codes_of(z))

    def codes_of(self, z: Tensor) -> Tensor:
        """z (B, len(levels), H, W) of levels -> codes (B, H, W) int64."""
        digits = torch.round(z.detach() * self.centre + self.centre).long()
        return (digits * self.places).sum(1)

    def vectors_of(self, codes: Tensor) -> Tensor:
        """codes (B, H, W) -> z (B, len(levels), H, W)."""
        digits = codes[:, None] // self.places % self.counts
        return (digits - self.centre) / self.centre

    def codebook(self) -> Tensor:
        """(codes, len(levels)): the vector behind each code."""
        return self.vectors_of(torch.arange(self.codes, device=self.centre.device).view(-1, 1, 1)).flatten(1)

    def expand(self, z: Tensor) -> Tensor:
        return self.to_features(z)
