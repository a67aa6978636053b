"""How one sample of X becomes an image (C, H, W) of the model, and back.

X (N, D) or (N, H, W, C) --flat--> (N, D) --images--> (N, C, H, W); a row that is no image is one pixel high.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.wording import shown

MOST_COLUMNS = 1 << 14  # of a row that is no image: the longest side of an image that a run folder can describe


@dataclass(frozen=True)
class Layout:
    """shape: height, width, channels of a sample. are_images: whether neighbours mean anything. flat: given as rows."""

    shape: tuple[int, int, int]
    are_images: bool
    flat: bool

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """As the model has it: (C, H, W)."""
        height, width, channels = self.shape
        return channels, height, width

    def images(self, rows: np.ndarray) -> np.ndarray:
        """rows (N, D) -> (N, C, H, W), contiguous."""
        return np.ascontiguousarray(rows.reshape(-1, *self.shape).transpose(0, 3, 1, 2))

    def rows(self, images: np.ndarray) -> np.ndarray:
        """images (N, C, H, W) -> (N, D)."""
        return images.transpose(0, 2, 3, 1).reshape(len(images), -1)

    def as_given(self, rows: np.ndarray) -> np.ndarray:
        """rows (N, D) -> in the form of the X of `fit`."""
        return rows if self.flat else rows.reshape(-1, *self.shape)


def layout_of(shape: tuple[int, ...], image_shape: Sequence[int] | None) -> Layout:
    """The layout of an X of `shape`. Raises InputError where `image_shape` does not fit it."""
    asked = _asked(image_shape)
    if len(shape) == 4:
        found = (shape[1], shape[2], shape[3])
        if asked is not None and asked != found:
            raise InputError(f"image_shape: {image_shape} does not fit X of shape {shape}; leave it out, or reshape X")
        return Layout(found, True, False)
    columns = shape[1]
    if asked is not None:
        if math.prod(asked) != columns:
            raise InputError(
                f"image_shape: {image_shape} has {math.prod(asked):,} values, and a row of X has {columns:,}; give the "
                "height, width and channels of the images in X"
            )
        return Layout(asked, True, True)
    if columns > MOST_COLUMNS:
        raise InputError(
            f"X: its rows have {columns:,} columns, and at most {MOST_COLUMNS:,} are taken; give image_shape if they "
            "are images, else select or project columns first, as with sklearn.decomposition.PCA"
        )
    return Layout((1, columns, 1), False, True)


def _asked(image_shape: Any) -> tuple[int, int, int] | None:
    if image_shape is None:
        return None
    sides = tuple(image_shape) if isinstance(image_shape, Sequence) else ()
    whole = [isinstance(side, int | np.integer) and not isinstance(side, bool) and side > 0 for side in sides]
    if len(sides) not in (2, 3) or not all(whole):
        raise InputError(
            f"image_shape: {shown(image_shape)} does not fit; give (height, width) or (height, width, channels)"
        )
    height, width, channels = (*map(int, sides), 1)[:3]
    return height, width, channels
