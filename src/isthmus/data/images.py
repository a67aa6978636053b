"""Reads one picture in any form as pixels of a chosen form.

image file, bytes, PIL image or array --opened--> 8-bit image or bands --> channels --> size --> uint8 or uint16
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.core.handled_pictures import AlphaDone, Handled
from isthmus.data.bands import Bands, deepened, range_of, to_pixels, wrong_channels
from isthmus.data.colours import to_channels
from isthmus.data.file_signatures import describe_signature
from isthmus.data.fitting import fitted
from isthmus.data.form import Form
from isthmus.data.interfaces import Picture
from isthmus.data.opening import FORMATS, opened

T = TypeVar("T")


def read_picture(source: Picture, form: Form, *, name: str) -> tuple[np.ndarray, Handled]:
    """One picture as pixels (C, H, W), uint8 or uint16, and what was done to it.

    Palette and CMYK become RGB, transparent pixels are laid over white, the EXIF orientation is applied; of an
    animation, only the first frame is read. What `form` leaves open, the picture decides alone: its channels, its
    depth, and the range of its values.
    name: what messages call the picture, usually its path.
    Raises InputError for anything that cannot be read, also for images above Pillow's pixel limit.
    """
    return _told(source, name, lambda: _read(source, form))


def value_range(source: Picture, form: Form, *, name: str) -> tuple[float, float] | None:
    """The lowest and the highest value of a picture of more than 8 bits; None for others. Raises as `read_picture`."""

    def found() -> tuple[float, float] | None:
        content = opened(source, form)[0]
        return range_of(content, form) if isinstance(content, Bands) else None

    return _told(source, name, found)


def _read(source: Picture, form: Form) -> tuple[np.ndarray, Handled]:
    content, handled = opened(source, form)
    if isinstance(content, Bands):
        pixels, depth, alpha = to_pixels(content, form)
        values = range_of(content, form)
        own, colours = content.channels, {1: "grey", 3: "colours"}.get(content.channels)
        handled = replace(handled, depth=depth, values=values, colours=None if own == len(pixels) else colours)
    else:
        pixels, alpha = _from_image(content, handled, form)
        if (handled.channels, len(pixels)) == (3, 1):
            handled = replace(handled, colours=handled.colours or "colours")
    height, width = pixels.shape[1:]
    return pixels, replace(handled, new_size=(width, height), new_channels=len(pixels), fit=form.fit, alpha=alpha)


def _from_image(image: Image.Image, opened_as: Handled, form: Form) -> tuple[np.ndarray, AlphaDone | None]:
    """The pixels of an upright 8-bit picture, and what was done to its transparency."""
    channels = opened_as.channels if form.channels == "auto" else form.channels
    if channels not in (1, 3, 4):
        alpha = image.mode.endswith(("A", "a"))
        raise InputError(wrong_channels(opened_as.channels + alpha + opened_as.bands_left, channels, opened_as.pages))
    converted, alpha = to_channels(image, channels, form.alpha)
    sized = converted if form.size is None else fitted(converted, form.size, form.fit)
    if sized.mode == "L":
        pixels = np.repeat(np.asarray(sized)[None], channels, axis=0)
    else:
        pixels = np.ascontiguousarray(np.asarray(sized).transpose(2, 0, 1))
    return (deepened(pixels) if form.depth == 16 else pixels), alpha


def _told(source: Picture, name: str, read: Callable[[], T]) -> T:
    """What `read` returns. Raises InputError, which names the picture, where reading fails."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about odd metadata, which does not change the pixels
            # Pillow warns at its pixel limit and fails at twice the limit; here the limit is the limit
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return read()
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(
            f"{name}: has more than the {Image.MAX_IMAGE_PIXELS:,} pixels that are read safely; make it smaller first"
        ) from None
    except Exception as error:  # Pillow's decoders raise errors of any class for damaged files
        raise InputError(f"{name}: {_why(error, source)}") from None


def _why(error: Exception, source: Picture) -> str:
    """What is wrong with a picture that could not be read, and the remedy."""
    if not isinstance(error, Image.UnidentifiedImageError):
        return f"not a readable image ({error or type(error).__name__}); replace it or leave it out"
    data = source.read_bytes() if isinstance(source, Path) else source
    if isinstance(data, bytes) and (known := describe_signature(data)):
        return known
    return f"not a readable image (none of {', '.join(FORMATS)}); replace it or leave it out"
