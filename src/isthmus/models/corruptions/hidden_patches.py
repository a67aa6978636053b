"""Patches hidden from the encoder, as in the training of masked autoencoders."""

from __future__ import annotations

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from isthmus.core.share import drawn
from isthmus.models.interfaces import Corruption
from isthmus.models.padding import cropped, grid


class HiddenPatches(Corruption):
    """Hides a fixed share of square patches, drawn again for every image and step.

    x (B, C, H, W) in [-1, 1] -> the same with hidden pixels mid-grey. `hide` also returns which pixels are hidden; an
    architecture that supports the mask, such as `vit`, does not process them at all. "Masked Autoencoders Are Scalable
    Vision Learners" (He et al., arXiv:2111.06377, section 3).

    Options:
        share: of the patches that are hidden, to the nearest whole patch.
        patch: side of a patch, pixels; if it does not divide the image, the outer patches are cut off.
    Raises ValueError if all patches would be hidden, or none.
    """

    hides = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        *,
        share: Annotated[float, Field(gt=0, lt=1)] = 0.75,
        patch: Annotated[int, Field(ge=1)] = 4,
    ) -> None:
        super().__init__()
        self.hidden_share, self.hidden_patch = share, patch
        self.sides = height, width = image_shape[1:]
        self.grid = grid(self.sides, patch)
        patches = math.prod(self.grid)
        if not 0 < (hidden := round(share * patches)) < patches:
            raise ValueError(
                f"share {share} of the {patches} patches of {height}x{width} images hides {hidden}; choose a smaller "
                f"patch than {patch}, or another share"
            )

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self.hide(x, generator)[0]

    def hide(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """x -> x_in of the same shape, and the mask (B, 1, H, W), true where pixels are hidden."""
        rows, columns = self.grid
        hidden = round(self.hidden_share * rows * columns)
        lots = drawn(lambda shape: torch.rand(shape, generator=generator, device=x.device), (len(x), rows * columns))
        chosen = lots.argsort(1).argsort(1) < hidden  # ranks: the same number in every image
        mask = chosen.view(-1, 1, rows, columns)
        mask = mask.repeat_interleave(self.hidden_patch, 2).repeat_interleave(self.hidden_patch, 3)
        mask = cropped(mask, self.sides)
        return x.masked_fill(mask, 0.0), mask
