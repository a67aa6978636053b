"""Images whose sides an architecture cannot divide: its encoder pads them, its decoder crops what it makes.

x (B, C, 28, 28) --pad--> (B, C, 32, 32) --encode--> h (B, C', 2, 2) --decode--> (B, C, 32, 32) --crop--> (B, C, 28, 28)

The border is repeated, as often on one side as on the other. Where nothing is missing, nothing is done.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

_MOST = 4  # times the longer side of an image


def padded(x: Tensor, unit: int) -> Tensor:
    """x (B, C, H, W) with its border repeated until `unit` divides both sides.

    An odd row or column goes below and to the right.
    """
    high, wide = (-side % unit for side in x.shape[2:])
    if not (high or wide):
        return x
    above, left = before(high), before(wide)
    return F.pad(x, (left, wide - left, above, high - above), mode="replicate")


def before(missing: int) -> int:
    """Of the rows or columns that are added, how many come above or to the left."""
    return missing // 2


def cropped(x: Tensor, sides: tuple[int, int]) -> Tensor:
    """x (B, C, H', W') -> (B, C, *sides), without what `padded` added."""
    if tuple(x.shape[2:]) == sides:
        return x
    above, left = (before(given - side) for given, side in zip(x.shape[2:], sides, strict=True))
    return x[:, :, above : above + sides[0], left : left + sides[1]]


def grid(sides: tuple[int, int], unit: int) -> tuple[int, int]:
    """How many squares of side `unit` cover images of `sides` (H, W), in height and width.

    Raises ValueError for squares so large that nearly all arithmetic would be about the padding.
    """
    height, width = sides
    if unit > _MOST * max(sides):
        raise ValueError(
            f"squares of {unit}x{unit} pixels are far larger than the images, {height}x{width}; choose smaller strides "
            "or a smaller patch"
        )
    return -(-height // unit), -(-width // unit)


class Fold(nn.Module):
    """x (B, C, H, W) -> (B, C * patch^2, ceil(H / patch), ceil(W / patch)): each patch of pixels becomes a position."""

    def __init__(self, patch: int) -> None:
        super().__init__()
        self.patch = patch

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_unshuffle(padded(x, self.patch), self.patch)


class Unfold(nn.Module):
    """The way back: (B, C * patch^2, ceil(H / patch), ceil(W / patch)) -> (B, C, H, W) with `sides` (H, W)."""

    def __init__(self, patch: int, sides: tuple[int, int]) -> None:
        super().__init__()
        self.patch, self.sides = patch, sides

    def forward(self, x: Tensor) -> Tensor:
        return cropped(F.pixel_shuffle(x, self.patch), self.sides)
