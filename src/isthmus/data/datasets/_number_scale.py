"""Says on which scale the numbers of an array are, from all of them: one picture alone may be dark by chance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

import numpy as np

from isthmus.core.image_changes import Change
from isthmus.core.wording import counted
from isthmus.data.form import Form

Scale = Literal["as-it-is", "bytes", "fractions", "deep-fractions", "flags"]
"""How numbers become a picture's values.

"bytes": whole numbers from 0 to 255 in a wider type, which are 8-bit values. "fractions": from 0 to 1, which become
8-bit values; "deep-fractions" where 16 bits are asked for. "flags": false and true, or nothing but whole 0 and 1: black
and white. "as-it-is": 8-bit values already, or deeper than 8 bits, which
the form scales.
"""


def scale_of(dtype: np.dtype[np.generic], blocks: Iterable[np.ndarray], form: Form) -> Scale:
    """The scale of the numbers in all `blocks`; reads them only where type and form leave it open."""
    full = form.range == "full"  # as earlier versions read numbers: they took none for masks
    if dtype == np.bool_:
        return "bytes" if full else "flags"
    if (form.range is not None and not full) or (full and dtype == np.uint8):
        return "as-it-is"
    whole, low, high = True, np.inf, -np.inf
    for block in blocks:
        values = block[np.isfinite(block)] if dtype.kind == "f" else block
        if values.size:
            low, high = min(low, values.min()), max(high, values.max())
            whole = whole and (dtype.kind != "f" or bool((values == np.rint(values)).all()))
        if low < 0 or high > (1 if dtype == np.uint8 or not whole else 255):
            return "as-it-is"
    if low > high:  # no number is finite
        return "as-it-is"
    if dtype.kind == "f" and high <= 1 and not (whole and full):
        return "deep-fractions" if form.depth == 16 else "fractions"
    # a camera's 12 bits in 16 may well be below 256 in a few dark pictures, but not in all of them
    return "flags" if high == 1 and not full else "bytes"


def form_of_scale(form: Form, scale: Scale) -> Form:
    """The form for numbers on `scale`: fractions of which 16 bits are kept have 0 as black and 1 as white."""
    return replace(form, range=(0.0, 1.0)) if scale == "deep-fractions" else form


def scaled(values: np.ndarray, scale: Scale) -> np.ndarray:
    """Numbers of any shape on `scale` as a picture's values; fractions that are not finite stay as they are."""
    if scale == "flags":
        return (values != 0).astype(np.uint8) * np.uint8(255)
    if scale in ("as-it-is", "deep-fractions") or (values.dtype.kind == "f" and not np.isfinite(values).all()):
        return values
    return (values * 255).round().astype(np.uint8) if scale == "fractions" else values.astype(np.uint8)


def said_of_scale(scale: Scale, images: int) -> Change | None:
    """What a user must know of what `scaled` does to all images; None where the values stay the same."""
    if scale == "flags":
        sentence = f"Taken for masks: {images:,} of {counted(images, 'image')}, in which all numbers are 0 or 1; 0 "
        sentence += "becomes black and 1 white."
        return Change(what="masks", images=images, of=images, sentence=sentence, numbers={"black": 0, "white": 1})
    if scale != "fractions":
        return None
    return Change(
        what="to_8_bits",
        images=images,
        of=images,
        sentence=f"Reduced to 8 bits: {images:,} of {counted(images, 'image')}, fractions of which 0 becomes black and "
        "1 white; data.depth=16 keeps more levels.",
        numbers={"black": 0, "white": 1},
    )
