"""Reads all 16 bits of colour pictures, of which Pillow decodes only the upper 8."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFile

# A decoder's way to read the upper byte of each value -> the way that takes the other byte for the upper one. The first
# letter of a name is the mode, "N" is this machine's byte order, which libtiff has brought the values to.
_OTHER_BYTE = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA")
    for order, other in (("L", "B"), ("B", "L"), ("N", "B" if np.little_endian else "L"))
}


def is_deep_colour(image: Image.Image) -> bool:
    """Whether a picture that is not decoded yet has several 16-bit channels."""
    if not isinstance(image, ImageFile.ImageFile) or image.mode.startswith("I"):
        return False
    return any(";16" in str(tile.args) for tile in image.tile)


def has_lower_bytes(image: Image.Image) -> bool:
    """Whether `all_bits` can read the picture: RGB with or without transparency, its channels in one piece."""
    assert isinstance(image, ImageFile.ImageFile)
    return bool(image.tile) and all(_raw_mode(tile.args) in _OTHER_BYTE for tile in image.tile)


def is_deep_grey(image: Image.Image) -> bool:
    """Whether a picture of several 16-bit channels is grey with transparency, which Pillow decodes as RGBA."""
    return isinstance(image, ImageFile.ImageFile) and any("LA;16" in str(tile.args) for tile in image.tile)


def all_bits(upper: Image.Image, data: bytes, formats: tuple[str, ...]) -> np.ndarray:
    """(C, H, W) uint16 of a file for which `has_lower_bytes` is true: it is decoded once more, for the lower bytes.

    upper: the decoded file. data: its bytes.
    """
    lower = Image.open(io.BytesIO(data), formats=formats)
    assert isinstance(lower, ImageFile.ImageFile)
    lower.tile = [tile._replace(args=_with_other_byte(tile.args)) for tile in lower.tile]
    values = np.asarray(upper).astype(np.uint16) << 8 | np.asarray(lower)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def _raw_mode(args: object) -> str:
    found = args[0] if isinstance(args, tuple) and args else args
    return found if isinstance(found, str) else ""


def _with_other_byte(args: object) -> object:
    other = _OTHER_BYTE[_raw_mode(args)]
    return (other, *args[1:]) if isinstance(args, tuple) else other
