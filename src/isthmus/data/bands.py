"""Pictures of more than 8 bits, or of other bands than grey and RGB: their values become levels of 8 or 16 bits.

values -> [black, white] becomes [0, 1], the rest is clipped -> channels -> size -> levels
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.core.handled_pictures import AlphaDone, Depth
from isthmus.core.wording import counted
from isthmus.data.fitting import fitted
from isthmus.data.form import Form

_WHITE_16 = 65535
_MANY_BANDS = 16  # a picture of more bands must have fewer pixels, so that memory is bounded
_NOUNS = {1: "grey", 3: "colour"}
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's own conversion to grey


@dataclass(frozen=True)
class Bands:
    """The values of one picture, (C, H, W), of a real type in this machine's byte order; uint8 are levels already.

    kind: in words, such as "16-bit grey". full: the highest value of the type, which is white on a full scale; None
        where the type does not tell. alpha: whether the last band is transparency. inverted: whether low values are
        light. frames: how many the file holds, if these bands are only the first.
    """

    values: np.ndarray
    kind: str
    full: float | None = None
    alpha: bool = False
    inverted: bool = False
    frames: int = 1

    @property
    def deep(self) -> bool:
        return self.values.dtype != np.uint8

    @property
    def channels(self) -> int:
        """Of its own: 3 of colours with transparency."""
        return len(self.values) - self.alpha


def bands_of(values: np.ndarray, *, alpha: bool = False, inverted: bool = False, frames: int = 1) -> Bands:
    """Values (C, H, W) of any real type as `Bands`. Raises InputError where there are none, or one is nan or infinite.

    Values of two types stand for levels: bool is black and white, and uint16 has `full`, its highest value.
    """
    if values.ndim != 3 or not values.size or values.dtype.kind not in "buif":
        raise InputError(
            f"has values of shape {values.shape} and type {values.dtype}; give real numbers (channels, height, width)"
        )
    if values.dtype == bool:
        values = values.astype(np.uint8) * np.uint8(255)
    elif values.dtype.kind == "f":
        values = values.astype(np.float32 if values.dtype.itemsize <= 4 else np.float64, copy=False)
        _check_finite(values)
    else:
        values = values.astype(values.dtype.newbyteorder("="), copy=False)
    values, count = np.ascontiguousarray(values), len(values) - alpha
    kind = f"{_type(values)} {_NOUNS.get(count, f'pictures of {count} bands')}"
    return Bands(values, kind, _WHITE_16 if values.dtype == np.uint16 else None, alpha, inverted, frames=frames)


def range_of(bands: Bands, form: Form) -> tuple[float, float] | None:
    """The lowest and highest value; None of 8 bits. Transparency counts only where it is a channel like the others."""
    if not bands.deep:
        return None
    values = bands.values[: _as_asked(bands, form).channels]
    return float(values.min()), float(values.max())


def to_pixels(bands: Bands, form: Form) -> tuple[np.ndarray, Depth | None, AlphaDone | None]:
    """(C, H, W) uint8 or uint16 of the form's size, how values became levels, and what was done about transparency.

    Raises InputError where the scale of the values is unknown, or their number of channels does not fit.
    """
    alpha: AlphaDone | None = "kept" if bands.alpha and form.channels == len(bands.values) else None
    bands = _as_asked(bands, form)
    bits: Literal[8, 16] = (16 if bands.deep else 8) if form.depth == "auto" else form.depth
    depth = _depth(bands, form, bits) if bands.deep else None
    if not bands.deep and not bands.inverted and form.channels in (len(bands.values), "auto") and not bands.alpha:
        levels = bands.values  # nothing to compute
    else:
        pages = bands.frames if len(bands.values) == 1 else 0
        unit, done = _to_channels(_to_unit(bands, depth), bands.alpha, form, pages)
        alpha = alpha or done
        if bands.deep and bits == 16:
            if form.size not in (None, unit.shape[1:]):
                unit = np.stack([_sized(band.astype(np.float32), form) for band in unit])
            return _to_levels(unit, 16), depth, alpha
        levels = _to_levels(unit, 8)
    pixels = levels if form.size in (None, levels.shape[1:]) else np.stack([_sized(band, form) for band in levels])
    return np.ascontiguousarray(pixels) if bits == 8 else deepened(pixels), depth, alpha


def deepened(pixels: np.ndarray) -> np.ndarray:
    """uint8 -> uint16 of the same share of white."""
    return pixels.astype(np.uint16) * np.uint16(257)  # 65,535 / 255


def _as_asked(bands: Bands, form: Form) -> Bands:
    """Where all bands are asked for, the last one is a band like the others, such as near infrared."""
    return replace(bands, alpha=False) if bands.alpha and form.channels == len(bands.values) else bands


def _depth(bands: Bands, form: Form, bits: int) -> Depth:
    """The scale of deep values. Raises InputError where there is none."""
    if form.range is None:
        low, high = range_of(bands, form) or (0.0, 1.0)
        return Depth(bands.kind, (low, high if high > low else low + 1), bits, bands.full, "own")
    if form.range != "full":
        return Depth(bands.kind, form.range, bits, bands.full, "training" if form.range_found else "user")
    if bands.full is None:
        low, high = range_of(bands, form) or (0.0, 1.0)
        raise InputError(
            f"holds {_type(bands.values)} pixels, whose scale is unknown (here {low:.6g} to {high:.6g}); "
            "for a data set, set the values of black and white with data.range=[LOW, HIGH]; else scale the picture to "
            "8 bits first"
        )
    return Depth(bands.kind, (0.0, bands.full), bits, bands.full, "full")


def _to_unit(bands: Bands, depth: Depth | None) -> np.ndarray:
    """float64 (C, H, W) in [0, 1]; values outside the range are clipped before anything is averaged over them."""
    black, white = (0.0, 255.0) if depth is None or depth.range is None else depth.range
    unit = np.clip((bands.values.astype(np.float64) - black) / (white - black), 0, 1)
    if bands.alpha and bands.full is not None:  # transparency has its own scale
        unit[-1] = bands.values[-1] / bands.full
    return 1 - unit if bands.inverted else unit


def _to_channels(unit: np.ndarray, transparent: bool, form: Form, pages: int) -> tuple[np.ndarray, AlphaDone | None]:
    """Bands (C, H, W) in [0, 1], the last one transparency if so told -> the channels that the form asks for.

    pages: as in `wrong_channels`. Raises InputError where they are neither equal in number nor grey or colours.
    """
    own = len(unit) - transparent
    wanted = own if form.channels == "auto" else form.channels
    if wanted == len(unit):
        return unit, None
    colours, alpha = (unit[:-1], unit[-1:]) if transparent else (unit, np.ones_like(unit[:1]))
    if wanted == 4 and own in (1, 3):
        return np.concatenate(
            [np.broadcast_to(colours, (3, *unit.shape[1:])), alpha]
        ), "kept" if transparent else "added"
    done: AlphaDone | None = None if alpha.min() == 1 else form.alpha
    if done == "white":
        colours = colours * alpha + (1 - alpha)
    if own == wanted:
        return colours, done
    if (own, wanted) == (1, 3):
        return np.repeat(colours, 3, axis=0), done
    if (own, wanted) == (3, 1):
        return np.tensordot(_LUMA, colours, axes=1)[None], done
    raise InputError(wrong_channels(len(unit), wanted, pages))


def check_pixels(height: int, width: int, bands: int) -> None:
    """Raises Pillow's own error for pictures that are too large to be read safely, also where Pillow does not read."""
    most = Image.MAX_IMAGE_PIXELS
    if most is not None and height * width * max(1, bands / _MANY_BANDS) > most:
        raise Image.DecompressionBombError


def wrong_channels(found: int, wanted: int, pages: int = 0) -> str:
    """Why a picture of `found` channels has no place among pictures of `wanted`.

    pages: how many pages of one channel its file has, which could be the channels; 0 or 1 for other files.
    """
    if pages == wanted:
        return f"has {pages} pages of several sizes or types where {wanted} channels are read; give all pages the same"
    if pages > 1:
        return f"has {pages} pages where {wanted} channels are read; set data.channels={pages} if all have as many"
    remedy = f"set data.channels={found} if all have as many, or leave this option out"
    return f"has {counted(found, 'channel')} where {wanted} are read; {remedy}"


def _sized(band: np.ndarray, form: Form) -> np.ndarray:
    """One band, (H, W) uint8 or float32, at the form's size."""
    assert form.size is not None
    return np.asarray(fitted(Image.fromarray(band), form.size, form.fit))


def _to_levels(unit: np.ndarray, bits: int) -> np.ndarray:
    top = (1 << bits) - 1
    return np.rint(np.clip(unit, 0, 1) * top).astype(np.uint8 if bits == 8 else np.uint16)


def _check_finite(values: np.ndarray) -> None:
    """Raises InputError that names the first place of a nan or an infinite value."""
    finite = np.isfinite(values)
    if finite.all():
        return
    channel, row, column = (int(place) for place in np.unravel_index(int(finite.argmin()), values.shape))
    where = f"row {row}, column {column}" + (f", channel {channel}" if len(values) > 1 else "")
    count = counted(int((~finite).sum()), "such value")
    raise InputError(
        f"holds {values[channel, row, column]} at {where} (counted from 0), {count} in all; replace it or leave it out"
    )


def _type(values: np.ndarray) -> str:
    if values.dtype.kind == "f":
        return "floating-point"
    signed = values.dtype.kind == "i" and values.dtype.itemsize < 4  # where the sign tells them from what is usual
    return f"{'signed ' if signed else ''}{8 * values.dtype.itemsize}-bit"
