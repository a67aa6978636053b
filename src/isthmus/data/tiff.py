"""Reads TIFF files that Pillow does not, with tifffile where it is installed, and silences libtiff's own messages."""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from isthmus.core.errors import InputError
from isthmus.data.bands import Bands, bands_of, check_pixels

_BITS, _BANDS, _LAYOUT = 258, 277, 284  # tags
_SEPARATE = 2  # a layout: one channel after the other
_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_tiff(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def bands_in(image: Image.Image) -> int:
    """How many bands a file that Pillow opened has: for a TIFF, also those that Pillow leaves out."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(image.tag_v2.get(_BANDS, 1))
    return len(image.getbands())


def is_beyond_pillow(image: Image.Image, channels: int | str) -> bool:
    """Whether Pillow, which opened a TIFF, would misread it, or leave out bands that are asked for."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    bands, bits = bands_in(image), image.tag_v2.get(_BITS, (1,))
    if bands == channels != len(image.getbands()) and image.mode != "P":
        return True
    return bands > 1 and max(bits) > 8 and image.tag_v2.get(_LAYOUT) == _SEPARATE


def grey_pages(image: Image.Image) -> int:
    """How many pages an opened TIFF has that could be channels; 0 for other files."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or len(image.getbands()) > 1 or image.mode == "P":
        return 0
    return int(image.n_frames)


def stacked_pages(image: Image.Image, channels: int | str) -> np.ndarray | None:
    """The grey pages of an opened TIFF as (pages, H, W), if there are `channels` of one size; else None."""
    if channels in (1, "auto") or grey_pages(image) != channels:
        return None
    pages: list[np.ndarray] = []
    for page in range(int(channels)):
        image.seek(page)
        pages.append(np.asarray(image))
    image.seek(0)
    alike = len({(page.shape, page.dtype) for page in pages}) == 1
    return np.stack(pages) if alike else None


def read_tiff(data: bytes, channels: int | str) -> Bands:
    """A TIFF of any bands and depth. Bands of the first page; or of all, if there are `channels` pages of one band.

    Raises InputError where tifffile is missing, or the file holds something else than pictures; for damaged files
    whatever tifffile raises.
    """
    try:
        import tifffile
    except ImportError:
        found = _described(data)
        raise InputError(
            f'is a TIFF{found}, for which tifffile is needed; pip install "isthmus[tiff]", or save one band as grey '
            "or three as RGB"
        ) from None
    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # our own sentence says what is wrong with a file
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        first: Any = file.pages.first
        count = len(file.pages)
        together = 1 < count == channels and first.samplesperpixel == 1
        check_pixels(first.imagelength, first.imagewidth, count if together else first.samplesperpixel)
        pages: list[Any] = list(file.pages) if together else [first]
        if any(page.axes not in ("YX", "YXS", "SYX") or page.shape != first.shape for page in pages):
            raise InputError(
                "is a TIFF of volumes or of pages of several sizes; save each picture as a file of its own"
            )
        try:
            read = [page.asarray(maxworkers=1) for page in pages]
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            raise InputError(
                f"is a TIFF compressed with {first.compression.name}, for which imagecodecs is needed; "
                'pip install "isthmus[tiff]", or save it without compression'
            ) from None
        values = np.moveaxis(read[0], -1, 0) if first.axes == "YXS" else np.stack(read).reshape(-1, *first.shape[-2:])
        alpha = first.photometric.name == "RGB" and len(values) == 4 and first.extrasamples[:1] in ((1,), (2,))
        inverted = first.photometric.name == "MINISWHITE"
        return bands_of(values, alpha=alpha, inverted=inverted, frames=1 if together else count)


def _described(data: bytes) -> str:
    """' of 13 bands of 16 bits'; empty where the header is damaged."""
    try:
        file = io.BytesIO(data)
        tags = TiffImagePlugin.ImageFileDirectory_v2(file.read(16 if data[2:3] == b"+" else 8))
        file.seek(tags.next)
        tags.load(file)
        bands, bits = int(tags.get(_BANDS, 1)), tags.get(_BITS, (1,))
        depth = int(bits[0] if isinstance(bits, tuple) else bits)
    except Exception:  # for a damaged header, Pillow raises errors of any class
        return ""
    return f" of {bands} band{'' if bands == 1 else 's'} of {depth} bits"


@cache
def quiet() -> None:
    """Stop Pillow's libtiff from printing what is wrong with a file: our error already says it."""
    with contextlib.suppress(OSError, AttributeError):  # another build of Pillow may lack these functions
        library = ctypes.CDLL(Image.core.__file__)
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)
