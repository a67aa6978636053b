"""PCA of squares: the best linear autoencoder that gives each square of pixels numbers of its own.

images (N, C, H, W) -> squares (N h w, C, s, s) -> PCA -> squares -> images

A border is repeated as architectures pad it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from isthmus.core.pixels import Pixels, Rows, blocks
from isthmus.evaluation.baselines import pca
from isthmus.evaluation.baselines.curve_errors import CurveErrors
from isthmus.evaluation.baselines.pca import PrincipalComponents
from isthmus.evaluation.evenly import evenly
from isthmus.models.padding import cropped, grid, padded
from isthmus.run_files.evaluation import PcaPoint

_SQUARES = 1 << 20  # that PCA is fitted to, at most: their directions do not change with more


class Squares:
    """The squares of `side` pixels of `images`, as `Pixels`: image by image and row by row.

    Images are read when their squares are asked for.
    """

    def __init__(self, images: Pixels, side: int) -> None:
        self.images, self.side = images, side
        self.grid = grid(images.shape[2:], side)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (len(self.images) * math.prod(self.grid), self.images.shape[1], self.side, self.side)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.images.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        places = math.prod(self.grid)
        index = np.arange(len(self))[rows]
        used, image = np.unique(index // places, return_inverse=True)
        held = torch.from_numpy(self.images[used].astype(np.float32))  # exact for 16 bits, and torch can pad it
        folded = F.pixel_unshuffle(padded(held, self.side), self.side).flatten(2).transpose(1, 2)
        cut = folded.reshape(len(used), places, *self.shape[1:]).numpy()
        return cut[image, index % places].astype(self.dtype)


@dataclass(frozen=True)
class PcaOfSquares:
    """A yardstick: see `baselines/yardstick.py`.

    components: of squares of `square` pixels; `numbers` of them are used for each of the `places` in an image.
    """

    components: PrincipalComponents
    square: int
    numbers: int
    places: int

    @property
    def size(self) -> int:
        return self.numbers * self.places

    def encode(self, images: Pixels) -> np.ndarray:
        return self.components.encode(Squares(images, self.square), self.numbers).reshape(len(images), -1)

    def decode(self, z: np.ndarray, image_shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        channels, *sides = image_shape
        high, wide = grid((sides[0], sides[1]), self.square)
        rows = z.reshape(len(z) * self.places, -1)
        made = self.components.decode(rows, (channels, self.square, self.square), dtype)
        folded = made.reshape(len(z), high, wide, channels, self.square, self.square).transpose(0, 3, 1, 4, 2, 5)
        whole = torch.from_numpy(folded.reshape(len(z), channels, high * self.square, wide * self.square))
        return np.ascontiguousarray(cropped(whole, (sides[0], sides[1])).numpy())

    def sizes(self) -> list[int]:
        numbers = {*(2**power for power in range(14)), self.numbers}
        return sorted(self.places * each for each in numbers if each <= len(self.components.directions))

    def curve(self, images: Pixels, sizes: Iterable[int]) -> tuple[PcaPoint, ...]:
        sizes = sorted(set(sizes))
        errors = CurveErrors(sizes, images)
        for rows in blocks(images):
            block = images[rows]
            z = self.components.encode(Squares(block, self.square))
            for row, size in enumerate(sizes):
                kept = z[:, : size // self.places].reshape(len(block), -1)
                errors.add(row, self.decode(kept, block.shape[1:], block.dtype), block)
        return errors.points()


def fit_squares(images: Pixels, square: int, numbers: int) -> PcaOfSquares:
    """PCA of the squares of training images (N, C, H, W): of all, or of about a million, evenly spaced over the set.

    Raises as `pca.fit`.
    """
    places = math.prod(grid(images.shape[2:], square))
    some = Rows(images, evenly(len(images), max(1, _SQUARES // places)))
    components = pca.fit(Squares(some, square), numbers)
    return PcaOfSquares(components, square, min(numbers, len(components.directions)), places)
