"""Where in a picture a reconstruction fails: error maps, and the largest error within a window.

original, output (B, C, H, W) -> squared error, averaged over channels -> mean within a window, (B, H, W)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from isthmus.core.pixels import levels

_SHARE = 8  # the window's side is this part of the picture's smaller side
_LEAST = 3  # pixels


@dataclass(frozen=True)
class Place:
    """A window in a picture, pixels from its upper left corner, in the model's size."""

    top: int
    left: int
    side: int


def window_of(height: int, width: int) -> int:
    """The window's side: an eighth of the smaller side, odd, at least 3 pixels and no more than the picture has."""
    smaller = min(height, width)
    side = max(_LEAST, smaller // _SHARE)
    return min(side + 1 - side % 2, smaller - 1 + smaller % 2)


def error_maps(output: Tensor, original: Tensor) -> Tensor:
    """uint8 or uint16 (B, C, H, W) -> (B, H, W) float32: mean squared error, pixels in [0, 1], around each pixel.

    The mean is over channels and a square window of `window_of` pixels; at the border, over the window's part inside.
    """
    squared = _squared(output, original)
    side = window_of(*squared.shape[2:])
    return avg_pool2d(squared, side, stride=1, padding=side // 2, count_include_pad=False)[:, 0]


def largest_local_errors(output: Tensor, original: Tensor) -> Tensor:
    """As `error_maps` -> (B,) float64 on the CPU: the largest mean squared error within a window inside the picture."""
    return _inside(output, original).flatten(1).amax(1).cpu().double()


def places(output: np.ndarray, original: np.ndarray) -> list[Place]:
    """As `largest_local_errors`, of arrays -> the window of each, the uppermost of equal ones."""
    inside = _inside(torch.from_numpy(output), torch.from_numpy(original))
    columns, side = inside.shape[2], window_of(*original.shape[2:])
    return [Place(at // columns, at % columns, side) for at in inside.flatten(1).argmax(1).tolist()]


def _inside(output: Tensor, original: Tensor) -> Tensor:
    squared = _squared(output, original)
    return avg_pool2d(squared, window_of(*squared.shape[2:]), stride=1)[:, 0]


def _squared(output: Tensor, original: Tensor) -> Tensor:
    """(B, 1, H, W) float32"""
    return ((output.float() - original.float()) / levels(original.dtype)).square().mean(1, keepdim=True)
