"""Reads pictures in any form as uint8 pixels: image files, bytes, PIL images and arrays."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Handled, Tally
from isthmus.core.paths import expanded
from isthmus.core.wording import shown
from isthmus.data.colours import (
    Reading,
    colours_of,
    deep_colour,
    gamma_of,
    is_deep_colour,
    profile_of,
    to_8_bits,
    to_rgb,
)
from isthmus.data.file_signatures import describe_signature
from isthmus.data.tiff import describe_tiff, is_tiff, quiet

# Pillow knows more formats, but some of them start other programs (EPS)
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


# without a handler, Python would print what Pillow logs about damaged files; our error already says it
logging.getLogger("PIL").addHandler(logging.NullHandler())

AS_IT_IS = Reading()
_ORIENTATION = 0x0112  # EXIF's tag
_SLIGHTLY = 0.01  # how far resizing and float arithmetic may leave values outside [0, 1]


def read_image(
    source: Path | bytes | Image.Image,
    *,
    size: int | tuple[int, int] | None = None,
    name: str,
    reading: Reading = AS_IT_IS,
    tally: Tally | None = None,
) -> np.ndarray:
    """One picture as RGB pixels, (3, H, W) uint8.

    Grey, palette, 1-bit and CMYK become RGB, 16-bit grey is scaled to 8 bits, transparent pixels are
    laid over white, the EXIF orientation is applied; of an animation, only the first frame is read.

    size: the height and width wanted, or one number for both: the picture is scaled (down or up,
    antialiased) until it covers that rectangle, then cropped equally on both sides.
    name: what messages call the picture, usually its path.
    reading: other choices for 16 bits and for transparency. tally: counts what was done to the picture.
    Raises InputError for anything that cannot be read, also for images above Pillow's pixel limit.
    """
    height, width = (size, size) if isinstance(size, int) else size or (0, 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about odd metadata, which does not change the pixels
            # Pillow warns at its pixel limit and fails at twice the limit; here the limit is the limit
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = source if isinstance(source, Image.Image) else _open(source)
            rgb, handled = _to_pixels(image, reading, *((height, width) if image is not source else (0, 0)))
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(
            f"{name}: has more than the {Image.MAX_IMAGE_PIXELS:,} pixels that are read safely; make it smaller first"
        ) from None
    except Exception as error:  # Pillow's decoders raise errors of any class for damaged files
        raise InputError(f"{name}: {_why(error, source)}") from None
    if size is not None:
        rgb = ImageOps.fit(rgb, (width, height), method=Image.Resampling.LANCZOS)
    if tally is not None:
        tally.add(replace(handled, new_size=rgb.size))
    return np.ascontiguousarray(np.asarray(rgb).transpose(2, 0, 1))


def to_uint8_batch(images: Any, *, size: tuple[int, int] | None = None, reading: Reading = AS_IT_IS) -> np.ndarray:
    """Pictures in any usual form as a batch, (N, 3, H, W) uint8.

    images: a path; a PIL image; an array, uint8 in 0-255 or float in [0, 1], shaped (3, H, W), (H, W, 3),
    (N, 3, H, W) or (N, H, W, 3); or a list of any of these, all of one size. Grey is accepted as (H, W), (N, H, W),
    or with 1 in place of 3, unless that is ambiguous. size: height and width that files are scaled and cropped to.
    reading: for pictures, not for arrays, as in `read_image`.
    Raises InputError for anything else, also for a float array on another scale.
    """
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


def _open(source: Path | bytes) -> Image.Image:
    if isinstance(source, Path):
        # for a folder, `open` would fail obscurely; for a pipe, wait forever
        if not source.is_file():
            raise InputError(f"{'is not a file' if source.exists() else 'does not exist'}; check the path")
        source = source.read_bytes()
    if not source:
        raise InputError("is empty; replace it or leave it out")
    if is_tiff(source):
        quiet()
    return Image.open(io.BytesIO(source), formats=FORMATS)


def _to_pixels(image: Image.Image, reading: Reading, height: int, width: int) -> tuple[Image.Image, Handled]:
    """The picture as 8-bit RGB, upright. height, width: the size that it gets later, 0 where it keeps its own."""
    colours, gamma, deep, profile = colours_of(image), gamma_of(image), is_deep_colour(image), profile_of(image)
    size = image.size
    if height:
        # lets the JPEG decoder halve large photographs while it decodes (10 times faster at 12 megapixels);
        # to twice the size wanted only, so that the later scaling can still antialias
        image.draft(None, (2 * max(height, width), 2 * max(height, width)))
    orientation = image.getexif().get(_ORIENTATION, 1)
    upright = ImageOps.exif_transpose(image)
    shallow, depth = to_8_bits(upright, reading)
    depth = deep_colour(upright) if deep else depth
    rgb, alpha = to_rgb(shallow, reading.alpha)
    size = (size[1], size[0]) if orientation in range(5, 9) else size
    turned = orientation in range(2, 9)
    return rgb, Handled(size, size, colours, alpha, depth, turned, _has_frames(image), gamma, profile)


def _has_frames(image: Image.Image) -> bool:
    """Whether there are more frames than the first; damage after the first frame does not count."""
    try:
        return bool(getattr(image, "is_animated", False))  # formats without animation lack the attribute
    except Exception:
        return False


def _why(error: Exception, source: Path | bytes | Image.Image) -> str:
    """What is wrong with a picture that Pillow could not read, and the remedy."""
    if not isinstance(error, Image.UnidentifiedImageError):
        return f"not a readable image ({error or type(error).__name__}); replace it or leave it out"
    data = source.read_bytes() if isinstance(source, Path) else source
    if isinstance(data, bytes) and (known := describe_tiff(data) or describe_signature(data)):
        return known
    return f"not a readable image (none of {', '.join(FORMATS)}); replace it or leave it out"


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


def read_picture(source, form, *, name):
    if isinstance(source, np.ndarray):
        from isthmus.core.image_changes import Handled
        return source, Handled(source.shape[:0:-1], source.shape[:0:-1])
    t = Tally()
    pixels = read_image(source, size=form.size, name=name, tally=t)
    return pixels, next(iter(t.handled))


def value_range(source, form, *, name):
    return None
