"""A picture of any size through a function that takes one size: overlapping tiles, blended without seams.

picture (C, H, W) --cut--> tiles (N, C, h, w) --function--> tiles --weigh and add--> (C, H, W)
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isthmus.core.pixels import levels

Work = Callable[[np.ndarray], NDArray[np.float32]]
"""Tiles (N, C, h, w) of pixels -> what becomes of them, (N, C, h, w) float32, in levels of the pixels' type."""


def through_tiles(
    picture: np.ndarray, work: Work, sides: tuple[int, int], *, done: Callable[[float], None] | None = None
) -> np.ndarray:
    """`picture` (C, H, W), uint8 or uint16, of any size, through `work`, which takes `sides` (h, w): the same shape.

    A tile's weight falls towards its border, where a network knows least; so no border shows. A picture smaller than a
    tile is continued by its mirror image and cropped again. Each row of tiles is finished before the next is begun, so
    memory beside the picture and the result is that of one row.
    done: called after every row of tiles, with the share of the rows that are finished.
    """
    channels, height, width = picture.shape
    enlarged = _at_least(picture, sides)
    result = np.empty((channels, *enlarged.shape[1:]), picture.dtype)
    tops, lefts = (_starts(length, side) for length, side in zip(enlarged.shape[1:], sides, strict=True))
    weight = np.outer(_window(sides[0]), _window(sides[1]))
    total = np.zeros((channels, sides[0], enlarged.shape[2]), np.float32)  # of the rows that are not finished
    weights = np.zeros(total.shape[1:], np.float32)
    for place, (top, following) in enumerate(zip(tops, [*tops[1:], enlarged.shape[1]], strict=True), 1):
        band = enlarged[:, top : top + sides[0]]
        tiles = work(np.stack([band[:, :, left : left + sides[1]] for left in lefts]))
        for left, tile in zip(lefts, tiles, strict=True):
            total[:, :, left : left + sides[1]] += weight * tile
            weights[:, left : left + sides[1]] += weight
        ready = following - top
        mean = total[:, :ready] / weights[:ready]
        result[:, top:following] = mean.clip(0, levels(picture.dtype)).round().astype(picture.dtype)
        total, weights = _moved_up(total, ready), _moved_up(weights, ready)
        if done is not None:
            done(place / len(tops))
    return result[:, :height, :width]


def pieces(picture_sides: tuple[int, int], sides: tuple[int, int]) -> int:
    """How many tiles of `sides` (h, w) a picture of height and width `picture_sides` takes."""
    return math.prod(len(_starts(max(length, side), side)) for length, side in zip(picture_sides, sides, strict=True))


def _starts(length: int, side: int) -> list[int]:
    """Where tiles begin, so that they cover `length` evenly and neighbours share at least a quarter of a tile."""
    if length == side:
        return [0]
    most = max(1, side - -(-side // _SHARED))  # from one tile to the next
    count = 1 + -(-(length - side) // most)
    return [round(place * (length - side) / (count - 1)) for place in range(count)]


_SHARED = 4  # a tile shares at least this part of its side with its neighbour


def _window(side: int) -> NDArray[np.float32]:
    """Weights of a tile's pixels along one axis: they rise from its border over the quarter that neighbours share."""
    from_border = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
    return np.minimum(from_border / max(1, side // _SHARED), 1).astype(np.float32)


def _at_least(picture: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """The picture, continued below and to the right by its mirror image where it is smaller than a tile."""
    missing = [max(0, side - length) for side, length in zip(sides, picture.shape[1:], strict=True)]
    if not any(missing):
        return picture
    return np.pad(picture, ((0, 0), (0, missing[0]), (0, missing[1])), mode="symmetric")


def _moved_up(rows: NDArray[np.float32], by: int) -> NDArray[np.float32]:
    """(..., h, W) without its first `by` rows, and as many zeros at its end."""
    moved = np.zeros_like(rows)
    moved[..., : rows.shape[-2] - by, :] = rows[..., by:, :]
    return moved
