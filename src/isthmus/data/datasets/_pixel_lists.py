"""Reads images that a parquet file stores as lists of numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.data.colours import Reading


def is_list(kind: Any) -> bool:
    """Whether a column's type is a list, nested or not."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def from_list(numbers: list[Any], shape: list[int] | None, reading: Reading, name: str) -> Image.Image:
    """A row's numbers as a picture: 8-bit if they are whole and within 0 to 255 and `reading` has no range.

    Other grey numbers become a floating-point picture, which `reading` scales later; other colours are scaled here.
    shape: [height, width], [height, width, 3] or [3, height, width]; None where the lists are nested that way.
    Raises InputError where the numbers do not fit an image.
    """
    try:
        values = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: holds lists of different lengths or without numbers; correct it") from None
    if shape is not None:
        if len(shape) not in (2, 3) or math.prod(shape) != values.size:
            raise InputError(
                f"data.shape: {shape} does not fit the {values.size:,} numbers of {name}; "
                "give [height, width] or [height, width, 3], whose product is that"
            )
        values = values.reshape(shape)
    if values.ndim == 3 and 1 in (values.shape[0], values.shape[2]):
        values = values.squeeze(0 if values.shape[0] == 1 else 2)
    if values.ndim == 3 and values.shape[0] == 3 != values.shape[2]:
        values = values.transpose(1, 2, 0)
    if values.ndim == 1:
        raise InputError(
            f"{name}: is a list of {values.size:,} numbers; set the image's shape with data.shape"
            f"={_likely_shape(values.size)}"
        )
    if not values.size or values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] != 3):
        raise InputError(f"{name}: numbers of shape {values.shape} are not an image; it must be (H, W) or (H, W, 3)")
    whole = bool(np.isfinite(values).all()) and float(values.min()) >= 0 and float(values.max()) <= 255
    if reading.range is None and whole and bool((values == np.rint(values)).all()):
        return Image.fromarray(values.astype(np.uint8))
    if values.ndim == 2:
        return Image.fromarray(values.astype(np.float32))
    if reading.range is None:
        raise InputError(
            f"{name}: holds numbers from {values.min():.6g} to {values.max():.6g}, whose scale is unknown; "
            "set the values of black and white with data.range=[LOW, HIGH]"
        )
    black, white = reading.range
    scaled = np.clip((values - black) / (white - black), 0, 1)
    return Image.fromarray(np.rint(scaled * 255).astype(np.uint8))


def _likely_shape(count: int) -> str:
    """'[8, 8]' for 64 numbers, '[8, 8, 3]' for 192, otherwise a pattern to fill in."""
    for channels, end in ((1, ""), (3, ", 3")):
        side = math.isqrt(count // channels)
        if side * side * channels == count:
            return f"[{side}, {side}{end}]"
    return "[HEIGHT, WIDTH]"
