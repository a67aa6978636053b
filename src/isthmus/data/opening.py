"""Opens a picture in any form, and finds out what it is before its pixels are converted."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.core.handled_pictures import Depth, Handled
from isthmus.data.bands import Bands, bands_of
from isthmus.data.colours import colours_of, gamma_of, is_grey, profile_of
from isthmus.data.deep_colour import all_bits, has_lower_bytes, is_deep_colour, is_deep_grey
from isthmus.data.dicom import is_dicom, read_dicom
from isthmus.data.form import Form
from isthmus.data.interfaces import Picture
from isthmus.data.tiff import bands_in, grey_pages, is_beyond_pillow, is_tiff, quiet, read_tiff, stacked_pages

# Pillow knows more formats, but some of them start other programs (EPS)
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_ORIENTATION = 0x0112  # EXIF's tag
_HOLDS_ORIENTATION = ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")  # keys of an image's `info`
_MOST_16 = 65535
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# without a handler, Python would print what Pillow logs about damaged files; our error already says it
logging.getLogger("PIL").addHandler(logging.NullHandler())


def opened(source: Picture, form: Form) -> tuple[Image.Image | Bands, Handled]:
    """A picture and what it is: an 8-bit image, upright; any other as its bands.

    Raises InputError for what is no picture; whatever Pillow, tifffile and pydicom raise for damaged files.
    """
    if isinstance(source, np.ndarray):
        return _found(bands_of(source))
    if isinstance(source, Image.Image):
        return _from_pillow(source, form, None)
    data = _bytes_of(source)
    if is_dicom(data):
        return _found(read_dicom(data, form.channels))
    if not is_tiff(data):
        return _from_pillow(Image.open(io.BytesIO(data), formats=FORMATS), form, data)
    quiet()
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.UnidentifiedImageError:
        return _found(read_tiff(data, form.channels))
    if is_beyond_pillow(image, form.channels):
        return _found(read_tiff(data, form.channels))
    return _from_pillow(image, form, data)


def _bytes_of(source: Path | bytes) -> bytes:
    if isinstance(source, Path):
        # for a folder, `open` would fail obscurely; for a pipe, wait forever
        if not source.is_file():
            raise InputError(f"{'is not a file' if source.exists() else 'does not exist'}; check the path")
        source = source.read_bytes()
    if not source:
        raise InputError("is empty; replace it or leave it out")
    return source


def _found(bands: Bands) -> tuple[Bands, Handled]:
    size = (bands.values.shape[2], bands.values.shape[1])
    pages = bands.frames if bands.frames > 1 and bands.channels == 1 else 0
    return bands, Handled(
        *(size, size),
        channels=bands.channels,
        bits=16 if bands.deep else 8,
        frames=bands.frames > 1,
        pages=pages,
        inverted=bands.inverted,
    )


def _from_pillow(image: Image.Image, form: Form, data: bytes | None) -> tuple[Image.Image | Bands, Handled]:
    """As `opened`. data: the bytes of the file; None for an image that the caller owns, which is left as it is."""
    deep_colour, bands_left = is_deep_colour(image), max(0, bands_in(image) - len(image.getbands()))
    grey = is_grey(image.mode) or (deep_colour and is_deep_grey(image))
    all_16_bits = deep_colour and data is not None and has_lower_bytes(image) and not _as_before(form)
    handled = Handled(
        *(image.size, image.size),
        channels=1 if grey else 3,
        colours=colours_of(image),
        bands_left=bands_left,
        gamma=gamma_of(image),
        profile=profile_of(image),
    )
    pages = stacked_pages(image, form.channels)
    if data is not None and form.size is not None:
        # lets the JPEG decoder halve large photographs while it decodes (10 times faster at 12 megapixels);
        # to twice the size wanted only, so that the later scaling can still antialias
        image.draft(None, (2 * max(form.size), 2 * max(form.size)))
    image.load()
    orientation = _orientation(image, data)
    if orientation in _TURNS:
        width, height = handled.size
        size = (height, width) if orientation >= 5 else (width, height)
        handled = replace(handled, size=size, new_size=size, turned=True)
    found: Bands | None = None
    if all_16_bits and data is not None:
        values = all_bits(image, data, FORMATS)
        found = bands_of(values, alpha=len(values) == 4)
    elif pages is not None:
        found = bands_of(_narrowed(pages))
    elif image.mode == "F" or image.mode.startswith("I"):
        found = bands_of(_narrowed(np.asarray(image)[None]), frames=max(1, grey_pages(image)))
    elif image.mode == "LA" and form.channels == 2:
        found = bands_of(np.asarray(image).transpose(2, 0, 1))
    if pages is None and _has_frames(image):
        handled = replace(handled, frames=True, pages=grey_pages(image))
    if found is None:
        upright = image.transpose(_TURNS[orientation]) if handled.turned else image
        return upright, _with_upper_8_bits(upright, handled) if deep_colour else handled
    if handled.turned:
        found = replace(found, values=_turned(found.values, orientation))
    return found, replace(handled, channels=found.channels, bits=16 if found.deep else 8)


def _as_before(form: Form) -> bool:
    """Whether colours of 16 bits are read as earlier versions did: only their upper 8 bits."""
    return form.depth == 8 and form.range == "full"


def _with_upper_8_bits(image: Image.Image, handled: Handled) -> Handled:
    pixels = np.asarray(image)[..., : -1 if image.mode.endswith("A") else None]
    return replace(handled, depth=Depth("16-bit colour", None), values=(float(pixels.min()), float(pixels.max())))


def _narrowed(values: np.ndarray) -> np.ndarray:
    """Pillow's 32-bit integers as the 16 bits that they were in the file, where all of them fit."""
    fits = values.dtype == np.int32 and int(values.min()) >= 0 and int(values.max()) <= _MOST_16
    return values.astype(np.uint16) if fits else values


def _orientation(image: Image.Image, data: bytes | None) -> int:
    """EXIF's orientation of a decoded image, 1 to 8."""
    # parsing takes longer than decoding a small picture, and most pictures have nothing to parse
    if data is not None and image.format != "TIFF" and not any(key in image.info for key in _HOLDS_ORIENTATION):
        return 1
    return image.getexif().get(_ORIENTATION, 1)


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """(C, H, W) as `_TURNS` turns images."""
    turned = values.swapaxes(1, 2) if orientation >= 5 else values
    if orientation in (2, 3, 6, 7):
        turned = turned[:, :, ::-1]
    return turned[:, ::-1] if orientation in (3, 4, 7, 8) else turned


def _has_frames(image: Image.Image) -> bool:
    """Whether there are more frames than the first; damage after the first frame does not count."""
    try:
        return bool(getattr(image, "is_animated", False))  # formats without animation lack the attribute
    except Exception:
        return False
