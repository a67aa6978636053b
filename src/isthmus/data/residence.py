"""Which images are read into memory before they are used: those that take little of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from isthmus.core.memory_limit import available
from isthmus.core.pixels import Pixels
from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits

_MOST = 1 << 28  # bytes: reading more delays the first step, and a training from disk is as fast
_SHARE = 8  # and no more than this part of the free memory


def resident(splits: Splits) -> Splits:
    """The same images, in memory if they fit there with ease, else still on disk."""
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    size = sum(_bytes(part.images) for part in parts.values())
    free = available()
    if size > min(_MOST, _MOST if free is None else free // _SHARE):
        return splits
    return replace(splits, **{name: _read(part) for name, part in parts.items()})


def _bytes(images: Pixels) -> int:
    return 0 if isinstance(images, np.ndarray) else math.prod(images.shape) * images.dtype.itemsize


def _read(part: ImageSet) -> ImageSet:
    return part if isinstance(part.images, np.ndarray) else replace(part, images=part.images[:])
