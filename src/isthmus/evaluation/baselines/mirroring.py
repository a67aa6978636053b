"""Whether images may be mirrored (left and right exchanged), tested with PCA before training.

images -> grey, at most 16 pixels wide -> PCA without and with their mirror images -> error of held-out images
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.core.pixels import Pixels, Rows, blocks
from isthmus.evaluation.evenly import evenly

_SIDE = 16  # pixels: left and right differ at any size, and at this one a fit takes a tenth of a second
_LEARNT, _HELD = 2000, 1000  # images at most
_FEW = 200  # held-out images; with fewer, their error is mostly chance
_LEFT = 0.02  # of the variance: a remainder above it is about the images, a smaller one is mostly rounding

# The ratio, a geometric mean over numbers of components, was 0.86 to 0.99 on CIFAR-10 and 0.80 to 1.02 on scenes (20
# to 8,000 images), and 1.04 to 1.21 on handwritten digits (30 to 1,797 images).
HARMLESS = 1.03


@dataclass(frozen=True)
class Mirroring:
    """How training on mirrored images changes PCA's error on held-out images.

    ratio: the error of PCA fitted on images and their mirror images, divided by that of PCA fitted on images alone.
    images: how many images PCA was fitted on.
    """

    ratio: float
    images: int

    @property
    def harmless(self) -> bool:
        return self.ratio <= HARMLESS


def mirroring(train: Pixels, validation: Pixels) -> Mirroring:
    """train (N, C, H, W), validation (M, C, H, W) -> Mirroring; deterministic. Takes a tenth of a second.

    If there are few validation images, training images are held out too, up to a third of all images.
    """
    learnt, held = _some(train, _LEARNT + _FEW), _some(validation, _HELD)
    lent = min(max(_FEW - len(held), 0), max((len(learnt) + len(held)) // 3 - len(held), 0))
    held, learnt = np.concatenate([held, learnt[:lent]]), learnt[lent:][:_LEARNT]
    flipped = learnt[..., ::-1]
    rows = learnt.reshape(len(learnt), -1)
    plain = _errors(rows, held.reshape(len(held), -1))
    mirrored = _errors(np.concatenate([rows, flipped.reshape(len(flipped), -1)]), held.reshape(len(held), -1))
    counts = [2**power for power in range(1, 7) if 2**power < min(rows.shape)]
    told = [count for count in counts if plain[count] > _LEFT * plain[0]]
    if not told:  # all images are alike, or there are almost none
        return Mirroring(1.0, len(rows))
    return Mirroring(float(np.exp(np.mean([np.log(mirrored[count] / plain[count]) for count in told]))), len(rows))


def _some(images: Pixels, most: int) -> np.ndarray:
    """At most `most` images in grey, evenly spaced over the set, (n, h, w) float64."""
    held = Rows(images, evenly(len(images), most))
    return np.concatenate([_grey(held[rows]) for rows in blocks(held)])


def _grey(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) -> (N, h, w) float64, means over blocks; mirrored images have the same, mirrored blocks."""
    _, _, height, width = images.shape
    step = max(1, -(-max(height, width) // _SIDE))
    high, wide = max(height // step, 1), max(width // step, 1)
    down, across = min(step, height), min(step, width)
    top, left = (height - high * down) // 2, (width - wide * across) // 2
    cut = images[:, :, top : top + high * down, left : left + wide * across].astype(np.float64).mean(1)
    return cut.reshape(len(images), high, down, wide, across).mean((2, 4))


def _errors(rows: np.ndarray, held: np.ndarray) -> np.ndarray:
    """(D + 1,): squared error of `held` (M, D) under PCA of `rows` (N, D), for each number of components."""
    mean = rows.mean(0)
    _, directions = np.linalg.eigh((rows - mean).T @ (rows - mean))
    squared = np.square((held - mean) @ directions[:, ::-1]).sum(0)
    return np.concatenate([squared[::-1].cumsum()[::-1], [0.0]])
