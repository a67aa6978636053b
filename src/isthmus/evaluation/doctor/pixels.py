"""What the pixels of training, validation and test images are like, beside each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NARROW = 64  # values, of 256, in which images hold next to nothing
_SIDE = 8  # pixels that images are compared at, first
_NEAR = 1e-3  # mean squared error per pixel value in [0, 1] under which two images are one: 30 dB, as a JPEG's
_LEVELS, _TIMES = 5.0, 3.0  # grey levels between histograms that are no chance, and so many times validation's
_CLOSER = 0.5  # the negative's share of the distance
_NEARER = 0.05  # and under this share of the nearest training image's median error


@dataclass(frozen=True)
class Pixels:
    """Values of some images, 0 to 255: the darkest, the brightest, their mean, and how far image means differ.

    shares: (256,) the share of each value.
    """

    low: int
    high: int
    mean: float
    spread: float
    shares: np.ndarray

    def apart(self, other: Pixels, *, negative: bool = False) -> float:
        """Grey levels that a pixel of the one must move, on average, to make the other's histogram.

        negative: of the other with dark and bright exchanged.
        """
        shares = other.shares[::-1] if negative else other.shares
        return float(np.abs(np.cumsum(self.shares) - np.cumsum(shares)).sum())


def pixels_of(images: np.ndarray) -> Pixels:
    """Of images (N, C, H, W) uint8."""
    means = images.reshape(len(images), -1).mean(1)
    # in parts: counting takes eight bytes for each of a part's values
    counts = sum((np.bincount(part.ravel(), minlength=256) for part in _parts(images)), np.zeros(256, np.int64))
    return Pixels(int(images.min()), int(images.max()), float(means.mean()), float(means.std()), counts / images.size)


def inverted(train: Pixels, validation: Pixels, test: Pixels) -> bool:
    """Whether the values of the test images' negatives are more like the training images' than their own are."""
    apart, negative = train.apart(test), train.apart(test, negative=True)
    return apart > max(_LEVELS, _TIMES * train.apart(validation)) and negative < _CLOSER * apart


def twins(train: np.ndarray, test: np.ndarray) -> float:
    """The share of test images (M, C, H, W) uint8 that are all but equal to one of the training images (N, C, H, W).

    Each is held against the training image that is nearest when both are reduced to 8 pixels; 5,000 against 1,000
    take half a second.
    """
    known, asked = (np.concatenate([_small(part) for part in _parts(images)]) for images in (train, test))
    squares = np.square(known).sum(1)
    nearest = np.concatenate([np.argmin(squares - 2 * part @ known.T, 1) for part in _parts(asked)])
    errors = np.array(
        [
            np.square((image.astype(np.float32) - train[place]) / 255).mean()
            for image, place in zip(test, nearest, strict=True)
        ]
    )
    near = min(_NEAR, _NEARER * float(np.median(errors[errors > _NEAR]))) if (errors > _NEAR).any() else 0.0
    return float((errors <= near).mean())


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return np.array_split(rows, -(-len(rows) // 256))


def _small(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) uint8 -> (N, D) float32: block means."""
    count, channels, height, width = images.shape
    down, across = (-(-side // _SIDE) for side in (height, width))
    cut = images[:, :, : height // down * down, : width // across * across].astype(np.float32) / 255
    return cut.reshape(count, channels, height // down, down, width // across, across).mean((3, 5)).reshape(count, -1)
