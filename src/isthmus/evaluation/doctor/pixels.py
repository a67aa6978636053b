"""Compares the pixels of training, validation and test images."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from isthmus.core.pixels import BLOCK_BYTES, Pixels, blocks, levels

NARROW = 64  # values, of 256: images with a smaller range have next to no contrast
_SIDE = 8  # pixels a side to which images are reduced for the first comparison
_NEAR = 1e-3  # MSE of pixel values in [0, 1] below which two images are the same: 30 dB, as for a JPEG
_LEVELS, _TIMES = (
    5.0,
    3.0,
)  # distances between histograms that are not chance: in grey levels, and in multiples of validation's
_CLOSER = 0.5  # largest distance of the negatives, as a share of the images' own
_NEARER = 0.05  # and below this share of the median MSE to the nearest training image


@dataclass(frozen=True)
class PixelStatistics:
    """Pixel values of a set of images, in 8 bits, 0 to 255: lowest, highest, mean, and the deviation of image means.

    shares: (256,) the histogram, as shares.
    """

    low: int
    high: int
    mean: float
    spread: float
    shares: np.ndarray

    def apart(self, other: PixelStatistics, *, negative: bool = False) -> float:
        """Distance of the histograms: grey levels that a pixel must change, on average, to turn one into the other.

        negative: exchange dark and bright in `other` first.
        """
        shares = other.shares[::-1] if negative else other.shares
        return float(np.abs(np.cumsum(self.shares) - np.cumsum(shares)).sum())


def pixels_of(images: Pixels) -> PixelStatistics:
    """Statistics of images (N, C, H, W), read block by block; 16-bit values are reduced to 8 bits."""
    means: list[np.ndarray] = []
    counts, low, high = np.zeros(256, np.int64), 255, 0
    for rows in blocks(images):
        block = _in_8_bits(images[rows])
        means.append(block.reshape(len(block), -1).mean(1))
        # in parts, because bincount needs eight bytes for each value
        counts += sum((np.bincount(part.ravel(), minlength=256) for part in _parts(block)), np.zeros(256, np.int64))
        low, high = min(low, int(block.min())), max(high, int(block.max()))
    each = np.concatenate(means)
    return PixelStatistics(low, high, float(each.mean()), float(each.std()), counts / counts.sum())


def inverted(train: PixelStatistics, validation: PixelStatistics, test: PixelStatistics) -> bool:
    """Whether the negatives of the test images are more like the training images than the test images are."""
    apart, negative = train.apart(test), train.apart(test, negative=True)
    return apart > max(_LEVELS, _TIMES * train.apart(validation)) and negative < _CLOSER * apart


def twins(train: Pixels, test: Pixels) -> float:
    """The share of test images (M, C, H, W) that are nearly identical to a training image (N, C, H, W).

    Each is compared with the training image that is nearest when both are reduced to 8x8 pixels; 5,000 training and
    1,000 test images take half a second.
    """
    known, asked = (np.concatenate([_small(images[rows]) for rows in _blocks(images)]) for images in (train, test))
    squares = np.square(known).sum(1)
    nearest = np.concatenate([np.argmin(squares - 2 * part @ known.T, 1) for part in _parts(asked)])
    errors = np.concatenate([_errors(test[rows], train[nearest[rows]]) for rows in _blocks(test)])
    near = min(_NEAR, _NEARER * float(np.median(errors[errors > _NEAR]))) if (errors > _NEAR).any() else 0.0
    return float((errors <= near).mean())


def _errors(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(B,): the mean squared error, pixels in [0, 1], of each image and its other."""
    highest = levels(images.dtype)
    return np.array(
        [
            np.square((one.astype(np.float32) - other) / highest).mean()
            for one, other in zip(images, others, strict=True)
        ]
    )


def _in_8_bits(images: np.ndarray) -> np.ndarray:
    return images if images.dtype == np.uint8 else (images >> 8).astype(np.uint8)


def _blocks(images: Pixels) -> Iterator[slice]:
    return blocks(images, max(1, min(256, BLOCK_BYTES // math.prod(images.shape[1:]))))


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, -(-len(rows) // 256))


def _small(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) -> (N, D) float32: block means, pixels in [0, 1]."""
    count, channels, height, width = images.shape
    down, across = (-(-side // _SIDE) for side in (height, width))
    cut = images[:, :, : height // down * down, : width // across * across].astype(np.float32) / levels(images.dtype)
    return cut.reshape(count, channels, height // down, down, width // across, across).mean((3, 5)).reshape(count, -1)
