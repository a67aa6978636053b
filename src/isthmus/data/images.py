"""Reads one picture in any form as pixels of a chosen form.

image file, bytes, PIL image or array --opened--> 8-bit image or bands --> channels --> size --> uint8 or uint16
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.core.image_changes import AlphaDone, Handled, Tally
from isthmus.core.paths import expanded
from isthmus.core.wording import shown
from isthmus.data.bands import Bands, deepened, range_of, to_pixels, wrong_channels
from isthmus.data.colours import Reading, to_channels
from isthmus.data.file_signatures import describe_signature
from isthmus.data.fitting import fitted
from isthmus.data.form import Form
from isthmus.data.interfaces import Picture
from isthmus.data.opening import FORMATS, opened

T = TypeVar("T")
_SLIGHTLY = 0.01  # how far resizing and float arithmetic may leave values outside [0, 1]


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
        pixels, alpha = _from_image(content, handled.channels, form)
        if (handled.channels, len(pixels)) == (3, 1):
            handled = replace(handled, colours=handled.colours or "colours")
    height, width = pixels.shape[1:]
    return pixels, replace(handled, new_size=(width, height), new_channels=len(pixels), fit=form.fit, alpha=alpha)


def _from_image(image: Image.Image, own: int, form: Form) -> tuple[np.ndarray, AlphaDone | None]:
    """The pixels of an upright 8-bit picture of `own` channels, and what was done to its transparency."""
    channels = own if form.channels == "auto" else form.channels
    if channels not in (1, 3, 4):
        raise InputError(wrong_channels(len(image.getbands()), channels))
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


def read_image(
    source: Path | bytes | Image.Image,
    *,
    size: int | tuple[int, int] | None = None,
    name: str,
    reading: Reading = Reading(),  # noqa: B008
    tally: Tally | None = None,
) -> np.ndarray:
    """As `read_picture`, in the form of earlier versions; for callers that do not know `Form` yet."""
    sides = (size, size) if isinstance(size, int) else size
    form = Form(sides, channels=3, depth=8, range=reading.range or "full", alpha=reading.alpha)
    pixels, handled = read_picture(source, form, name=name)
    if tally is not None:
        tally.add(handled)
    return pixels


def to_uint8_batch(images: Any, *, size: tuple[int, int] | None = None, reading: Reading = Reading()) -> np.ndarray:  # noqa: B008
    """As `to_batch` (to come)."""
    if isinstance(images, Image.Image):
        return read_image(images, name="image", reading=reading)[None]
    if isinstance(images, str | Path):
        return read_image(expanded(images, "images"), size=size, name=str(images), reading=reading)[None]
    if isinstance(images, list | tuple):
        if not images:
            raise InputError("images: an empty list holds no image; pass at least one")
        batches = [to_uint8_batch(image, size=size, reading=reading) for image in _flat_enough(images)]
        shapes = {batch.shape[1:] for batch in batches}
        if len(shapes) != 1:
            found = ", ".join(sorted(f"{h}x{w}" for _, h, w in shapes))
            raise InputError(f"images: all must have one size, got {found}; resize them first")
        return np.concatenate(batches)
    pixels = np.ascontiguousarray(_channels_first(_to_uint8(_numbers(images, "images"))))
    return pixels if pixels.flags.writeable else pixels.copy()  # torch does not accept read-only arrays


def to_finite_float32(values: Any, name: str) -> np.ndarray:
    """Real numbers in any form as float32, contiguous and in this machine's byte order.

    Raises InputError where they are not numbers, or one is nan or beyond float32; the message calls them `name`.
    """
    found = _numbers(values, name)
    if found.dtype.kind not in "fiu":
        raise InputError(f"{name}: dtype {found.dtype} is not accepted; pass real numbers")
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(found, dtype=np.float32)
        numbers = numbers if numbers.flags.writeable else numbers.copy()
    if not np.isfinite(numbers).all():
        raise InputError(f"{name}: holds nan, inf or numbers beyond float32; leave them out")
    return numbers


def _numbers(values: Any, name: str) -> np.ndarray:
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
        return [_numbers(images, "images")]
    return images


def _to_uint8(values: np.ndarray) -> np.ndarray:
    """uint8 as it is; float in [0, 1] scaled and rounded to 0-255."""
    if not values.size:
        raise InputError(f"images: an array of shape {values.shape} holds no pixels; pass at least one image")
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"images: dtype {values.dtype} is not accepted; pass uint8 in 0-255 or float in [0, 1]")
    low, high = float(values.min()), float(values.max())
    if not low - low == high - high == 0:
        raise InputError("images: float values must lie in [0, 1], but some are nan or inf; leave them out")
    if low >= 0 and high <= 1:
        return (values * 255).round().astype(np.uint8)
    if low >= -1 and high <= 1:
        hint = "looks like the [-1, 1] scale: pass (x + 1) / 2"
    elif low > -_SLIGHTLY and high < 1 + _SLIGHTLY:
        hint = "looks like rounding: clip them to 0 and 1"
    elif low >= 0 and high <= 255:
        hint = "looks like 0-255: pass uint8"
    else:
        hint = "scale it first"
    raise InputError(f"images: float values must lie in [0, 1], but these span {low:.9g} to {high:.9g}; {hint}")


def _channels_first(values: np.ndarray) -> np.ndarray:
    """An array as (N, 3, H, W); its shape must show where the channels are."""
    shape = values.shape
    if len(shape) == 2:
        return np.repeat(values[None, None], 3, axis=1)
    # three grey images could be one in colour; two or four could be one with transparency
    if len(shape) == 3 and not {1, 2, 3, 4} & {shape[0], shape[2]}:
        return np.repeat(values[:, None], 3, axis=1)
    if len(shape) == 3:
        values = values[None]
    if values.ndim == 4:
        for channels in (3, 1):
            first, last = values.shape[1] == channels, values.shape[3] == channels
            if first != last:
                return np.repeat(values if first else values.transpose(0, 3, 1, 2), 3 // channels, axis=1)
    raise InputError(
        f"images: cannot tell which axis of shape {shape} is the channels; pass (N, 3, H, W) or (N, H, W, 3)"
    )
