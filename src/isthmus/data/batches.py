"""Turns pictures in any usual form into one batch of pixels, as a trained model takes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.wording import counted, shown
from isthmus.data.batch_levels import to_levels
from isthmus.data.form import Form
from isthmus.data.images import read_picture

Shape = tuple[int, int, int]


def to_batch(images: Any, form: Form, shape: Shape, tally: Tally | None = None) -> np.ndarray:
    """Pictures in any usual form as a batch, (N, C, H, W) uint8 or uint16.

    images: a path; a PIL image; an array, (C, H, W), (H, W, C), (N, C, H, W) or (N, H, W, C), whose values `to_levels`
    describes; or a list of any of these. Where C is 1, also (H, W) and (N, H, W); grey arrays become three channels
    where C is 3. Files and PIL images are brought to the size of `form`, as it says; arrays must have it.
    form: settled, with the size, channels and depth of the model. shape: (C, H, W). tally: counts what was done to
    files and PIL images.
    Raises InputError for anything else, and where the shape of an array does not tell which axis is the channels.
    """
    if isinstance(images, Image.Image | str | Path):
        in_memory = isinstance(images, Image.Image)
        given = images if in_memory else expanded(images, "images")
        pixels, handled = read_picture(given, form, name="image" if in_memory else str(images))
        if tally is not None:
            tally.add(handled)
        return pixels[None]
    if isinstance(images, list | tuple):
        if not images:
            raise InputError("images: an empty list holds no image; pass at least one")
        return np.concatenate([to_batch(image, form, shape, tally) for image in _flat_enough(images)])
    values = numbers(images, "images")
    if not values.size:
        raise InputError(f"images: an array of shape {values.shape} holds no pixels; pass at least one image")
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    pixels = np.ascontiguousarray(to_levels(_channels_first(values, shape), form))
    return pixels if pixels.flags.writeable else pixels.copy()  # torch does not accept read-only arrays


def to_finite_float32(values: Any, name: str) -> np.ndarray:
    """Real numbers in any form as float32, contiguous and in this machine's byte order.

    Raises InputError where they are not numbers, or one is nan or beyond float32; the message calls them `name`.
    """
    found = numbers(values, name)
    if found.dtype.kind not in "fiu":
        raise InputError(f"{name}: dtype {found.dtype} is not accepted; pass real numbers")
    with np.errstate(over="ignore"):
        real = np.ascontiguousarray(found, dtype=np.float32)
        real = real if real.flags.writeable else real.copy()
    if not np.isfinite(real).all():
        raise InputError(f"{name}: holds nan, inf or numbers beyond float32; leave them out")
    return real


def numbers(values: Any, name: str) -> np.ndarray:
    """`values` as an array. Raises InputError where they are not a rectangular array of numbers."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(f"{name}: a masked array hides some of its values; fill them in with `.filled(VALUE)`")
    try:
        found = np.asarray(values)
    except Exception as error:  # of any class: for rows of different lengths, or raised by another library's array
        raise InputError(f"{name}: {shown(values)} is not an array ({error}); pass an array of numbers") from None
    if found.dtype.kind not in "fiubc":
        forms = "an array, a PIL image or a path" if name == "images" else "an array or a tensor"
        raise InputError(f"{name}: {shown(values)} is not an array of numbers; pass {forms}")
    return found


def _flat_enough(images: Sequence[Any]) -> Sequence[Any]:
    """A list of pictures as it is; nested lists of numbers, as in JSON, become one array."""
    if images and all(isinstance(image, list | tuple) for image in images):
        return [numbers(images, "images")]
    return images


def _channels_first(values: np.ndarray, shape: Shape) -> np.ndarray:
    """An array as (N, C, H, W). Raises InputError where its shape does not fit, or fits in two ways."""
    channels, *size = shape
    readings = _readings(values, channels)
    fitting = [found for found in readings if found.shape[2:] == tuple(size)]
    if len(fitting) > 1 and channels == size[0] == size[1] != 1:
        raise InputError(f"images: cannot tell which axis of shape {values.shape} is the channels; pass PIL images")
    if not fitting:
        if readings:
            _check_size(readings[0].shape[2:], shape)
        first, last = (", ".join(map(str, axes)) for axes in (shape, (*size, channels)))
        raise InputError(
            f"images: an array of shape {values.shape} holds none of {counted(channels, 'channel')}; pass (N, {first}) "
            f"or (N, {last})"
        )
    return fitting[0] if fitting[0].shape[1] == channels else np.repeat(fitting[0], channels, axis=1)


def _readings(values: np.ndarray, channels: int) -> list[np.ndarray]:
    """An array as (N, C, H, W) in every way in which its shape can be read, the likeliest first.

    C is `channels`, or 1 where grey can become three channels.
    """
    grey = channels in (1, 3)
    if values.ndim == 2:
        return [values[None, None]] if grey else []
    found: list[np.ndarray] = []
    batch = values[None] if values.ndim == 3 else values
    for count in dict.fromkeys((channels, 1)) if grey else (channels,):
        if batch.ndim == 4 and batch.shape[1] == count:
            found.append(batch)
        if batch.ndim == 4 and batch.shape[3] == count:
            found.append(batch.transpose(0, 3, 1, 2))
    # three grey images could be one in colour; two or four could be one with transparency
    if values.ndim == 3 and (channels == 1 or (channels == 3 and not {2, 3, 4} & {len(values), values.shape[2]})):
        found.append(values[:, None])
    return found


def _check_size(found: Sequence[int], shape: Shape) -> None:
    if tuple(found) != shape[1:]:
        sizes = ["x".join(str(side) for side in sides) for sides in (found, shape[1:])]
        raise InputError(f"images are {sizes[0]} pixels; this model was trained on {sizes[1]}: resize them first")
