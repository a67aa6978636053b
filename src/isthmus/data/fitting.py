"""Brings pictures of any proportions to one size: cropped, padded or stretched."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from isthmus.data.form import Fit

_LANCZOS = Image.Resampling.LANCZOS  # antialiased when it shrinks


def fitted(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """The picture at `size`, (height, width). Every channel is scaled for itself: mode L, RGB, RGBX or F.

    crop: scaled until it covers `size`, then its middle. stretch: each side scaled to `size`.
    pad: scaled until `size` covers it, between borders. A border has one colour, the mean of the edge that it
    continues: where the background is plain it is the background, and elsewhere it costs a model little. (Black or
    white would add the sharpest of all edges to every picture, repeated edge pixels stripes that no picture has.)
    """
    height, width = size
    if image.size == (width, height):
        return image
    if fit == "crop":
        return ImageOps.fit(image, (width, height), method=_LANCZOS)
    if fit == "stretch":
        return image.resize((width, height), _LANCZOS)
    scale = min(width / image.width, height / image.height)
    inner = (
        min(width, max(1, round(image.width * scale))),
        min(height, max(1, round(image.height * scale))),
    )
    return _between_borders(image.resize(inner, _LANCZOS), width, height)


def _between_borders(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in the middle of (width, height); it fills at least one of them."""
    values = np.asarray(image)
    before = ((height - image.height) // 2, (width - image.width) // 2)
    after = (height - image.height - before[0], width - image.width - before[1])
    for axis in (0, 1):
        first, last = values.take([0], axis), values.take([-1], axis)
        borders = [
            np.repeat(_mean(edge, axis), count, axis) for edge, count in ((first, before[axis]), (last, after[axis]))
        ]
        values = np.concatenate([borders[0], values, borders[1]], axis)
    return Image.fromarray(values)


def _mean(edge: np.ndarray, axis: int) -> np.ndarray:
    """An edge, one pixel wide along `axis`, with its mean colour everywhere."""
    mean = edge.mean(1 - axis, keepdims=True, dtype=np.float64)
    rounded = mean if edge.dtype.kind == "f" else np.rint(mean)
    return np.broadcast_to(rounded.astype(edge.dtype), edge.shape)
