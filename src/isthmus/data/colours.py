"""Converts pictures of every mode, bit depth and transparency to 8-bit RGB."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageCms, ImageFile

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Change, Depth
from isthmus.core.wording import shortened

Alpha = Literal["white", "ignore"]
_WHITE_16 = 65535
_SRGB = 4  # largest difference, of 255, to count as sRGB: small profiles approximate its curve
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


@dataclass(frozen=True)
class Reading:
    """The choices in turning pictures to 8-bit RGB.

    range: the values that become 0 and 255 in pictures of more than 8 bits; None: 0 and 65,535 for 16 bits.
    alpha: "white" lays transparent pixels over white, "ignore" uses the colours as they are.
    """

    range: tuple[float, float] | None = None
    alpha: Alpha = "white"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Reading:
        """From a data set's options; missing ones have their defaults. Raises InputError for an invalid range."""
        given = options.get("range")
        if given is None:
            return cls(None, options.get("alpha", "white"))
        if len(given) != 2 or not given[0] < given[1]:
            raise InputError(f"data.range: {given} does not fit: give two numbers, the lower first, such as [0, 4095]")
        return cls((float(given[0]), float(given[1])), options.get("alpha", "white"))


def idle_range(reading: Reading, changes: Iterable[Change]) -> list[str]:
    """A sentence where a range was chosen and no picture has more than 8 bits."""
    idle = reading.range is not None and not any("black" in change.numbers for change in changes)
    return (
        ["data.range has no effect: it is for grey images of more than 8 bits, and this data set has none."]
        if idle
        else []
    )


def colours_of(image: Image.Image) -> str | None:
    """The kind of colours in a picture that is not RGB; None for RGB with or without transparency."""
    if image.mode in ("RGB", "RGBA", "RGBX", "RGBa"):
        return None
    return _NAMES.get(image.mode, "grey" if image.mode.startswith("I") else image.mode)


def to_8_bits(image: Image.Image, reading: Reading) -> tuple[Image.Image, Depth | None]:
    """An 8-bit picture as it is; one of more bits reduced to 8, and how that was done.

    Raises InputError where the scale is unknown: for floating point and 32 bits without a `range`.
    """
    if image.mode != "F" and not image.mode.startswith("I"):
        return image, None
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise InputError("holds nan or infinite values; replace it or leave it out")
    low, high = float(values.min()), float(values.max())
    kind = "floating-point" if image.mode == "F" else "16-bit grey" if low >= 0 and high <= _WHITE_16 else "32-bit grey"
    if reading.range is not None:
        black, white = reading.range
        scaled = (values.astype(np.float64) - black) / (white - black)
        pixels = np.rint(np.clip(scaled, 0, 1) * 255).astype(np.uint8)
        return Image.fromarray(pixels), Depth(kind, low, high, reading.range, chosen=True)
    if kind != "16-bit grey":
        name = "floating-point" if kind == "floating-point" else "32-bit"
        raise InputError(
            f"holds {name} pixels, whose scale is unknown (here {low:.6g} to {high:.6g}); "
            "for a data set, set the values of black and white with data.range=[LOW, HIGH]; else scale the picture to "
            "8 bits first"
        )
    pixels = ((values.astype(np.int64) + 128) // 257).astype(np.uint8)  # 65535 / 255 = 257, rounded
    return Image.fromarray(pixels), Depth(kind, low, high, (0, _WHITE_16))


def is_deep_colour(image: Image.Image) -> bool:
    """Whether the picture has several 16-bit channels: Pillow decodes only their upper 8 bits."""
    if not isinstance(image, ImageFile.ImageFile) or image.mode.startswith("I"):
        return False
    return any(";16" in str(tile.args) for tile in image.tile)


def deep_colour(image: Image.Image) -> Depth:
    """The values of a decoded picture for which `is_deep_colour` is true."""
    pixels = np.asarray(image)[..., : -1 if image.mode.endswith("A") else None]
    return Depth("16-bit colour", float(pixels.min()), float(pixels.max()), None)


def to_rgb(image: Image.Image, alpha: Alpha) -> tuple[Image.Image, Alpha | None]:
    """8-bit picture -> RGB, and what was done to its transparent pixels; None where it has none."""
    if not image.has_transparency_data:
        image.load()
        return image.convert("RGB"), None
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
