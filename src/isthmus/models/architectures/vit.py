"""A vision transformer; given a mask, its encoder leaves out the hidden patches."""

from __future__ import annotations

from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from isthmus.core.errors import InputError
from isthmus.models.architectures._tokens import Blocks, positions
from isthmus.models.interfaces import Architecture
from isthmus.models.layers import start_at_zero
from isthmus.models.padding import Fold, Unfold, grid, padded

Positive = Annotated[int, Field(ge=1)]


class Vit(Architecture):
    """Patches as tokens, transformer blocks, and back; with a mask, the encoder processes visible patches only.

    encoder: x (B, C, H, W), or x with a mask (B, 1, H, W) -> h (B, channels, ceil(H / patch), ceil(W / patch));
    decoder: h -> x_hat (B, C, H, W), near [-1, 1]. The encoder outputs one learned token for every hidden patch, and
    the decoder fills these in: "Masked Autoencoders Are Scalable Vision Learners" (He et al., arXiv:2111.06377), with
    the blocks of "An Image is Worth 16x16 Words" (Dosovitskiy et al., arXiv:2010.11929) and fixed sine and cosine
    positions.

    Options:
        patch: side of a patch, pixels; if it does not divide the image, the outer patches repeat the image's border,
            and the output is cropped.
        width: numbers per token.
        depth: blocks in the encoder, and as many in the decoder.
        heads: attention heads in each block.
        channels: of the features between architecture and bottleneck.
    Raises ValueError if heads and 4 do not divide the width.
    """

    supports_mask = True
    supports_linear_start = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        patch: Positive = 4,
        width: Positive = 96,
        depth: Positive = 3,
        heads: Positive = 4,
        channels: Positive = 16,
    ) -> None:
        super().__init__()
        if width % heads or width % 4:
            raise ValueError(f"width {width} is not divided by heads {heads} and by 4; choose one that is")
        sides, folded = image_shape[1:], image_shape[0] * patch**2
        self.patch = self.square = patch
        self.feature_shape = (channels, *grid(sides, patch))
        self.encoder = _Encoder(folded, width, depth, heads, channels, sides, patch)
        self.decoder = _Decoder(folded, width, depth, heads, channels, sides, patch)

    def check_mask(self, patch: int) -> None:
        if patch != self.patch:
            raise InputError(
                f"architecture.patch: {self.patch} differs from corruption.patch {patch}; give both the same"
            )

    def start_beside_linear(self) -> None:
        start_at_zero(cast(_Decoder, self.decoder).last)

    def forward(self, x: Tensor) -> Tensor:
        """x -> x_hat without a bottleneck, (B, C, H, W) both."""
        return self.decoder(self.encoder(x))


class _Encoder(nn.Module):
    def __init__(
        self, folded: int, width: int, depth: int, heads: int, channels: int, sides: tuple[int, int], patch: int
    ) -> None:
        super().__init__()
        self.patch, self.grid = patch, grid(sides, patch)
        self.fold = Fold(patch)
        self.first = nn.Linear(folded, width)
        self.positions = nn.Buffer(positions(self.grid, width), persistent=False)
        self.blocks = Blocks(width, depth, heads)
        self.unseen = nn.Parameter(torch.zeros(width))
        self.last = nn.Linear(width, channels)

    def forward(self, x: Tensor, mask: Tensor | None = None, share: float = 0.0) -> Tensor:
        """mask: (B, 1, H, W), true in hidden patches. share: of the patches that are hidden, equal for all images."""
        tokens = self.first(self.fold(x).flatten(2).mT) + self.positions
        if mask is None:
            tokens = self.blocks(tokens)
        else:
            hidden = padded(mask.float(), self.patch)[:, 0, :: self.patch, :: self.patch].flatten(1)
            count = tokens.shape[1] - round(share * tokens.shape[1])  # known without waiting for the device
            places = hidden.argsort(dim=1, stable=True)[:, :count, None].expand(-1, -1, tokens.shape[2])
            seen = self.blocks(tokens.gather(1, places))
            tokens = self.unseen.to(seen.dtype).expand_as(tokens).scatter(1, places, seen)
        return self.last(tokens).mT.unflatten(2, self.grid)


class _Decoder(nn.Module):
    def __init__(
        self, folded: int, width: int, depth: int, heads: int, channels: int, sides: tuple[int, int], patch: int
    ) -> None:
        super().__init__()
        self.grid = grid(sides, patch)
        self.first = nn.Linear(channels, width)
        self.positions = nn.Buffer(positions(self.grid, width), persistent=False)
        self.blocks = Blocks(width, depth, heads)
        self.last = nn.Linear(width, folded)
        self.unfold = Unfold(patch, sides)

    def forward(self, h: Tensor) -> Tensor:
        tokens = self.blocks(self.first(h.flatten(2).mT) + self.positions)
        return self.unfold(self.last(tokens).mT.unflatten(2, self.grid))
