"""Converts 8-bit pictures of every mode and transparency to grey, RGB or four channels, and tells what they were."""

from __future__ import annotations

import io
import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from isthmus.core.handled_pictures import AlphaDone
from isthmus.core.wording import shortened
from isthmus.data.form import Alpha

_SRGB = 4  # largest difference, of 255, to count as sRGB: small profiles approximate its curve
_GREY = ("1", "L", "LA", "La", "F")
_NAMES = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey",
    "La": "grey",
    "F": "grey",
    "P": "a palette",
    "PA": "a palette",
    "LAB": "CIELAB",
}


def colours_of(image: Image.Image) -> str | None:
    """The kind of colours in a picture that is not RGB; None for RGB with or without transparency."""
    if image.mode in ("RGB", "RGBA", "RGBX", "RGBa"):
        return None
    return _NAMES.get(image.mode, "grey" if image.mode.startswith("I") else image.mode)


def is_grey(mode: str) -> bool:
    return mode in _GREY or mode.startswith("I")


def to_channels(image: Image.Image, channels: int, alpha: Alpha) -> tuple[Image.Image, AlphaDone | None]:
    """8-bit picture -> mode L, RGB or RGBX, and what was done about transparency.

    channels: 1, 3 or 4. Four are red, green, blue and the alpha channel, as they are in the file. Grey stays L where
    three equal channels are asked for: they are made once the picture is small.
    """
    if channels == 4:
        straight = image if image.mode == "RGBA" else image.convert("RGBA")
        # as RGBX, because Pillow weighs the colours of RGBA by the fourth channel when it scales
        return Image.merge("RGBX", straight.split()), "kept" if image.has_transparency_data else "added"
    if is_grey(image.mode) and not image.has_transparency_data:
        return (image if image.mode == "L" else image.convert("L")), None
    rgb, done = _to_rgb(image, alpha)
    return (rgb.convert("L") if channels == 1 else rgb), done


def _to_rgb(image: Image.Image, alpha: Alpha) -> tuple[Image.Image, AlphaDone | None]:
    if not image.has_transparency_data:
        return (image if image.mode == "RGB" else image.convert("RGB")), None
    rgba = image.convert("RGBA")
    opaque = rgba.getchannel("A").getextrema()[0] == 255
    if alpha == "ignore":
        return rgba.convert("RGB"), None if opaque else "ignore"
    over = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return over.convert("RGB"), None if opaque else "white"


def gamma_of(image: Image.Image) -> float | None:
    """The gamma that a PNG file states; None for the usual 1/2.2."""
    value = image.info.get("gamma")
    if not isinstance(value, int | float) or "srgb" in image.info or math.isclose(value, 1 / 2.2, rel_tol=0.02):
        return None
    return float(value)


def profile_of(image: Image.Image) -> str | None:
    """The name of a picture's colour profile; None where reading the picture as sRGB gives the same colours."""
    data = image.info.get("icc_profile")
    return _other_than_srgb(data, image.mode) if isinstance(data, bytes) and data else None


@lru_cache(maxsize=32)  # the pictures of a folder share a few profiles
def _other_than_srgb(data: bytes, mode: str) -> str | None:
    """The name of a profile that changes some colour; None for sRGB, and for a damaged profile."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        name = shortened(" ".join(ImageCms.getProfileDescription(profile).split()), 40) or "nothing"
    except Exception:  # a damaged profile, which every viewer ignores
        return None
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 51, dtype=np.uint8)] * 3), axis=-1).reshape(6, 36, 3)
    kept = "CMYK" if mode == "CMYK" else "RGB" if mode in ("P", "PA") or mode.startswith("RGB") else "L"
    colours = Image.fromarray(grid).convert(kept)
    try:
        as_said = ImageCms.profileToProfile(colours, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except Exception:  # the profile is for another colour mode
        return name
    as_read = np.asarray(colours.convert("RGB"), dtype=np.int64)
    return name if np.abs(np.asarray(as_said, dtype=np.int64) - as_read).max() > _SRGB else None
