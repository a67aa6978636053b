"""Describes TIFF files that Pillow does not read, from their header, and silences libtiff's own messages."""

from __future__ import annotations

import contextlib
import ctypes
import io
from functools import cache

from PIL import Image, TiffImagePlugin

_BITS, _BANDS = 258, 277  # tags
_USUAL_BANDS, _USUAL_BITS = (1, 3, 4), (1, 2, 4, 8, 16, 32)
_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def describe_tiff(data: bytes) -> str | None:
    """'a TIFF of 13 bands of 16 bits; ...' with a remedy; None for usual or damaged TIFFs and other files."""
    if not is_tiff(data):
        return None
    try:
        file = io.BytesIO(data)
        tags = TiffImagePlugin.ImageFileDirectory_v2(file.read(16 if data[2:3] == b"+" else 8))
        file.seek(tags.next)
        tags.load(file)
        bands, bits = int(tags.get(_BANDS, 1)), tags.get(_BITS, (1,))
        depth = int(bits[0] if isinstance(bits, tuple) else bits)
    except Exception:  # for a damaged header, Pillow raises errors of any class
        return None
    if depth not in range(1, 129) or bands < 1 or (bands in _USUAL_BANDS and depth in _USUAL_BITS):
        return None
    return (
        f"a TIFF of {bands} band{'' if bands == 1 else 's'} of {depth} bits, which is not read; "
        "save one band as grey, or three as RGB, such as with tifffile or GDAL"
    )


def is_tiff(data: bytes) -> bool:
    return data.startswith(_MAGIC)


@cache
def quiet() -> None:
    """Stop Pillow's libtiff from printing what is wrong with a file: our error already says it."""
    with contextlib.suppress(OSError, AttributeError):  # another build of Pillow may lack these functions
        library = ctypes.CDLL(Image.core.__file__)
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)
