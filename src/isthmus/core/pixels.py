"""Images in memory or on disk, behind one face: their shape, and the rows that are asked for.

A plain array is one already. Code that goes over all images goes by blocks, so that memory does not grow with their
number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal, Protocol

import numpy as np

Depth = Literal[8, 16, 32]
"""Bits of a pixel's value; 32 stands for real numbers, which have no levels."""

BLOCK_BYTES = 16 << 20  # of a block: large enough for fast matrix products, small beside a model's memory


class Pixels(Protocol):
    """N images (N, C, H, W) of uint8, or of uint16 where their sources are deeper than 8 bits.

    Where scikit-learn's interface trains on real numbers, they are float32: 0 and 1 stand where black and white are,
    and no value is clamped or rounded.
    """

    @property
    def shape(self) -> tuple[int, int, int, int]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        """The images at `rows`, a slice or (M,) integers, in that order: (M, C, H, W) in memory."""
        ...


class Rows:
    """Some rows of `images` in an order of their own, read when they are asked for."""

    def __init__(self, images: Pixels, rows: np.ndarray) -> None:
        self.images, self.rows = images, rows

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (len(self.rows), *self.images.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.images.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        return self.images[self.rows[rows]]


def chosen(images: Pixels, rows: np.ndarray) -> Pixels:
    """The images at `rows` (M,): a copy of those in memory, a view of others."""
    if isinstance(images, Rows):
        return Rows(images.images, images.rows[rows])
    return images[rows] if isinstance(images, np.ndarray) else Rows(images, rows)


def is_real(dtype: Any) -> bool:
    """Whether pixels of a NumPy or torch type are real numbers, which are neither clamped nor rounded."""
    return "float" in str(dtype)


def levels(dtype: Any) -> int:
    """The highest level of a pixel of a NumPy or torch type: 255 of 8 bits, 65,535 of 16; it is white, and 0 black.

    Of real numbers, 1.
    """
    return 1 if is_real(dtype) else (1 << 8 * dtype.itemsize) - 1


def depth_of(dtype: Any) -> Depth:
    """Bits of a pixel's value."""
    if is_real(dtype):
        return 32
    return 16 if dtype.itemsize == 2 else 8


def blocks(images: Pixels, rows: int | None = None) -> Iterator[slice]:
    """Slices that cover all images in order, of `rows` images each; by default of about `BLOCK_BYTES`."""
    size = rows or max(1, BLOCK_BYTES // max(1, math.prod(images.shape[1:]) * images.dtype.itemsize))
    return (slice(start, min(start + size, len(images))) for start in range(0, len(images), size))
