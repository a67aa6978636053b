"""The values of arrays that are handed to a trained model, as levels of its pixels."""

from __future__ import annotations

import numpy as np

from isthmus.core.errors import InputError
from isthmus.data.bands import deepened
from isthmus.data.form import Form

_SLIGHTLY = 0.01  # how far resizing and float arithmetic may leave values outside [0, 1]


def to_levels(values: np.ndarray, form: Form) -> np.ndarray:
    """(N, C, H, W) of any type as levels of 8 or 16 bits.

    uint8 are levels of 256, uint16 levels of 65,536, floats in [0, 1] shares of white. But where a model of 16 bits was
    trained on a range, its arrays hold what its training pictures held: values of that range, beyond which they are
    clipped. Raises InputError for other types, for nan, and for values that are on another scale.
    """
    if form.depth == 16 and isinstance(form.range, tuple):
        return _from_range(values, *form.range)
    if values.dtype == np.uint8:
        return deepened(values) if form.depth == 16 else values
    if form.depth == 16 and values.dtype == np.uint16:
        return values.astype(np.uint16, copy=False)
    kinds = "uint8 in 0-255 or float in [0, 1]" if form.depth == 8 else "uint16 in 0-65535 or float in [0, 1]"
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"images: dtype {values.dtype} is not accepted; pass {kinds}")
    _check_shares(values, kinds.partition(" ")[0])
    top, dtype = (255, np.uint8) if form.depth == 8 else (65535, np.uint16)
    if form.depth == 16:
        values = values.astype(np.float64)  # float16 has fewer levels than the pixels, and 65,535 is beyond it
    return (values * top).round().astype(dtype)


def _check_shares(values: np.ndarray, whole: str) -> None:
    low, high = float(values.min()), float(values.max())
    if not low - low == high - high == 0:
        raise InputError("images: float values must lie in [0, 1], but some are nan or inf; leave them out")
    if low >= 0 and high <= 1:
        return
    if low >= -1 and high <= 1:
        hint = "looks like the [-1, 1] scale: pass (x + 1) / 2"
    elif low > -_SLIGHTLY and high < 1 + _SLIGHTLY:
        hint = "looks like rounding: clip them to 0 and 1"
    elif low >= 0 and high <= (255 if whole == "uint8" else 65535):
        hint = f"looks like {'0-255' if whole == 'uint8' else '0-65535'}: pass {whole}"
    else:
        hint = "scale it first"
    raise InputError(f"images: float values must lie in [0, 1], but these span {low:.9g} to {high:.9g}; {hint}")


def _from_range(values: np.ndarray, black: float, white: float) -> np.ndarray:
    ends = f"{black:.6g} to {white:.6g}"
    if values.dtype.kind not in "iuf":
        raise InputError(f"images: dtype {values.dtype} is not accepted; pass numbers on the scale {ends}")
    if not np.isfinite(values).all():
        raise InputError("images: some values are nan or inf; leave them out")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f" and white > 2 and 0 <= low < high <= 1:  # nearly black, if it were on the scale
        raise InputError(f"images: values span {low:.6g} to {high:.6g}, and this model takes {ends}: scale them")
    # what `reconstruct` returns is in levels, where nearly all of a picture is beyond such a range
    if np.count_nonzero(values > white) > values.size // 2:
        raise InputError(
            f"images: more than half of the values lie above {white:.6g}, which is white for this model; scale them to "
            f"{ends}, or clip them"
        )
    unit = (values.astype(np.float64) - black) / (white - black)
    return np.rint(np.clip(unit, 0, 1) * 65535).astype(np.uint16)
