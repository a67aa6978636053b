"""A trained model takes the noise out of pictures of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from isthmus.core.errors import InputError
from isthmus.core.wording import counted
from isthmus.data.batches import numbers, to_batch
from isthmus.data.form import Form
from isthmus.inference.file_pairs import PictureReader, listed
from isthmus.inference.tiles import through_tiles
from isthmus.models.autoencoder import Autoencoder, with_sane_numbers
from isthmus.models.batched import batched_array
from isthmus.models.pixels import as_array, as_arrays, to_levels


def form_of_any_size(model: Autoencoder) -> Form:
    """In which pictures are read for `denoised`: as the model's training pictures, but at their own size."""
    return replace(model.form, size=None, fit="crop")


def denoised(model: Autoencoder, picture: np.ndarray, done: Callable[[float], None] | None = None) -> np.ndarray:
    """picture (C, H, W) of any height and width, of the model's channels and type -> the same shape and type.

    It goes through the model in overlapping tiles of the model's own size. done: as in `through_tiles`.
    Raises RunError where the model's weights are damaged.
    """

    def output(pixels: Tensor) -> Tensor:
        return to_levels(model.decode_latents(with_sane_numbers(model.encode_pixels(pixels))), pixels.dtype)

    def work(tiles: np.ndarray) -> NDArray[np.float32]:
        return batched_array(model, output, torch.from_numpy(tiles))

    return through_tiles(picture, work, model.image_shape[1:], done=done)


def pictures_in(images: Any, model: Autoencoder, reader: PictureReader) -> Iterator[tuple[str, np.ndarray]]:
    """Pictures in any usual form as (name, pixels (C, H, W)), each at its own size, one after the other.

    The name of a picture in memory is empty.
    images: paths, of pictures and of whatever `listed` takes; else as `Autoencoder.reconstruct` takes them, but of any
    sizes; or a list of these. reader: reads those that are named by a path, and knows what was done to them.
    Raises InputError for anything else.
    """
    form, channels = form_of_any_size(model), model.image_shape[0]
    given = as_arrays(images)
    if isinstance(given, list | tuple) and all(isinstance(one, list | tuple | int | float) for one in given):
        given = numbers(given, "images") if given else given
    if isinstance(given, list | tuple):
        if not given:
            raise InputError("images: an empty list holds no picture; pass at least one")
        for one in given:
            yield from pictures_in(one, model, reader)
        return
    if isinstance(given, str | Path):
        for read in reader.each(listed([given], form)):
            yield read.name, read.pixels
    elif isinstance(given, Image.Image):
        yield "", to_batch(given, form, (channels, given.height, given.width))[0]
    else:
        values = numbers(as_array(given), "images")
        for pixels in to_batch(values, form, (channels, *_sides(values, channels))):
            yield "", pixels


def _sides(values: np.ndarray, channels: int) -> tuple[int, int]:
    """Height and width of the picture or pictures in an array, as its channels tell them."""
    shape = values.shape
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) in (3, 4):
        for count in dict.fromkeys((channels, 1)):
            if shape[-1] == count:
                return shape[-3], shape[-2]
            if shape[-3] == count:
                return shape[-2], shape[-1]
        if len(shape) == 3 and not {2, 3, 4} & {shape[0], shape[-1]}:  # else it is one picture of other channels
            return shape[1], shape[2]  # (N, H, W) of grey
    raise InputError(
        f"images: an array of shape {shape} holds no pictures of {counted(channels, 'channel')}; pass "
        f"(H, W, {channels}) or (N, H, W, {channels})"
    )
