"""Residual vector quantisation: several codes per position, each for the error that the ones before it left."""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.values import Latent
from isthmus.models.bottlenecks._codebook import Codebook, Gradient, passed
from isthmus.models.interfaces import Bottleneck


class ResidualVq(Bottleneck):
    """Several codebooks in a row: the first quantises the features, each later one the error of those before it.

    h (B, C, H, W) -> z (B, depth * dim, H, W), the chosen vectors one after another -> h' of h's shape, from their
    sum. codes: (B, depth, H, W) int64. Penalty `commitment` (B,): squared distance of the encoder's outputs from the
    sum, after each codebook, summed over codebooks, positions and numbers. "Autoregressive Image Generation using
    Residual Quantization" (Lee et al., arXiv:2203.01941, equations 3 and 7); "SoundStream" (arXiv:2107.03312). The
    rate is at most depth * log2(codes) bits per position.

    Options:
        codes: how many vectors each codebook holds.
        depth: how many codebooks there are.
        dim: numbers in each vector.
        gradient: how the encoder gets its gradient, "straight-through" or "rotation" (arXiv:2410.06424).
        decay: share of the codebooks' moving averages that a step keeps.
        revive: a code used less than this fraction of its fair share is replaced by an encoder output; 0 for never.
    """

    penalties = ("commitment",)

    def __init__(
        self,
        feature_shape: tuple[int, int, int],
        *,
        codes: Annotated[int, Field(ge=2, le=2**16)] = 32,
        depth: Annotated[int, Field(ge=1, le=32)] = 2,
        dim: Annotated[int, Field(ge=1)] = 8,
        gradient: Gradient = "straight-through",
        decay: Annotated[float, Field(ge=0, lt=1)] = 0.95,
        revive: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        channels, height, width = feature_shape
        self.codes, self.depth = codes, depth
        self.code_shape = (depth, height, width)
        self.latent_shape = (depth * dim, height, width)
        self.gradient: Gradient = gradient
        self.to_latent = nn.Conv2d(channels, dim, 1)
        self.levels = nn.ModuleList(Codebook(codes, dim, decay=decay, revive=revive) for _ in range(depth))
        self.to_features = nn.Conv2d(dim, channels, 1)

    @property
    def books(self) -> list[Codebook]:
        """The codebooks, the coarsest first."""
        return [level for level in self.levels if isinstance(level, Codebook)]

    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        assert offset is None, "a code is no sum of ours: there is no start beside a linear path"
        outputs = self.to_latent(h).float().movedim(1, -1)
        flat = outputs.flatten(0, -2)
        total = torch.zeros_like(flat)
        codes, vectors, errors = [], [], []
        for book in self.books:
            chosen = book(flat.detach() - total, generator)
            vectors.append(book.vectors[chosen])
            total = total + vectors[-1]
            errors.append((flat - total).square().view(outputs.shape).flatten(1).sum(1))
            codes.append(chosen.view(outputs.shape[:-1]))
        if self.training:  # the first vector carries the gradient of their sum
            vectors[0] = vectors[0] + passed(flat, total, self.gradient) - total
        z = torch.cat(vectors, 1).view(*outputs.shape[:-1], -1).movedim(-1, 1)
        return Latent(z, {"commitment": torch.stack(errors).sum(0)}, codes=torch.stack(codes, 1))

    def codes_of(self, z: Tensor) -> Tensor:
        """z (B, depth * dim, H, W) -> codes (B, depth, H, W) int64."""
        rows = z.unflatten(1, (self.depth, -1)).movedim(2, -1)
        found = [book.nearest(rows[:, place].flatten(0, -2)) for place, book in enumerate(self.books)]
        return torch.stack([codes.view(len(z), *z.shape[2:]) for codes in found], 1)

    def vectors_of(self, codes: Tensor) -> Tensor:
        """codes (B, depth, H, W) -> z (B, depth * dim, H, W)."""
        return torch.cat([book.vectors[codes[:, place]] for place, book in enumerate(self.books)], -1).movedim(-1, 1)

    def expand(self, z: Tensor) -> Tensor:
        return self.to_features(z.unflatten(1, (self.depth, -1)).sum(1))
