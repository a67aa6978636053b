"""The distance to the most similar training image, pixel by pixel: the anomaly score that needs no training."""

from __future__ import annotations

import math

import numpy as np

from isthmus.core.pixels import Pixels, Rows, blocks, levels
from isthmus.evaluation.evenly import evenly

MOST = 10_000  # training images that are searched
_VALUES = 1 << 31  # of their pixels together: every block of pictures reads them once


class PixelNeighbours:
    """Exact search, in blocks, among at most 10,000 training images, evenly chosen; fewer of large ones.

    count: among how many it searches.
    """

    def __init__(self, images: Pixels) -> None:
        self._highest = levels(images.dtype)
        rows = evenly(len(images), max(1, min(MOST, _VALUES // math.prod(images.shape[1:]))))
        self._images = Rows(images, rows)
        self.count = len(rows)

    def distances(self, pixels: np.ndarray) -> np.ndarray:
        """pixels (B, C, H, W) -> (B,) float64: root of the mean squared difference to the nearest, pixels in [0, 1]."""
        asked = self._flat(pixels)
        squares = np.square(asked).sum(1)
        nearest = np.full(len(asked), np.inf, np.float32)
        for rows in blocks(self._images):
            held = self._flat(self._images[rows])
            found = np.square(held).sum(1) - 2 * asked @ held.T
            np.minimum(nearest, found.min(1), out=nearest)
        return np.sqrt(np.maximum(squares + nearest, 0) / asked.shape[1]).astype(np.float64)

    def _flat(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(len(pixels), -1).astype(np.float32) / self._highest
