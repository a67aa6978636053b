"""The factors of scenes: drawn from a seed, or checked where a caller gives them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.core.errors import InputError
from isthmus.data.datasets._scene_drawing import paint
from isthmus.data.datasets._scene_shapes import OUTLINES

SHAPES = tuple(OUTLINES)
FACTORS: tuple[str, ...] = ("shape", "hue", "x", "y", "size", "rotation", "background", "background_angle")
_WORDS = 4  # of 64 bits that Philox makes at each count


def draw(factors: Mapping[str, ArrayLike], size: int) -> NDArray[np.uint8]:
    """The images that `factors` describe: name -> (N,) or one number -> (N, 3, size, size).

    Names and units are those of `Scenes`; values may exceed its ranges (a shape may leave the image).
    The same factors give the same scene at every size. Raises InputError for a missing or unknown
    factor, lengths that differ, and a value that cannot be drawn.
    """
    if size < 8:
        raise InputError(f"size: {size} is too small for scenes; give 8 or more")
    return paint(_columns(factors), size)


def _columns(factors: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """Every factor, checked and of equal length: name -> (N,)."""
    for name in (*FACTORS, *factors):
        if name not in factors or name not in FACTORS:
            problem = "is missing" if name in FACTORS else "is unknown"
            raise InputError(f"factors.{name}: {problem}; scenes are drawn from {', '.join(FACTORS)}")
    given = {name: _numbers(name, factors[name]) for name in FACTORS}
    lengths = {len(column) for column in given.values() if column.ndim}
    if len(lengths) > 1:
        raise InputError(f"factors: lengths {sorted(lengths)} do not fit together; give N or one number each")
    return {name: np.broadcast_to(column, max(lengths, default=1)) for name, column in given.items()}


def _numbers(name: str, value: ArrayLike) -> NDArray[np.float64]:
    try:
        column = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"factors.{name}: {value!r} is not a number; give (N,) numbers or one") from None
    if column.ndim > 1:
        raise InputError(f"factors.{name}: shape {column.shape} has too many axes; give (N,) or one number")
    # beyond these, float32 squares overflow or whole pixels are rounded away
    drawable, wanted = np.abs(column) <= 1000, "a number from -1000 to 1000"
    if name == "shape":
        drawable, wanted = np.isin(column, np.arange(len(SHAPES))), f"one of 0 to {len(SHAPES) - 1}"
    elif name == "size":
        drawable, wanted = (column >= 0.001) & (column <= 1000), "a number from 0.001 to 1000"
    if not drawable.all():
        raise InputError(f"factors.{name}: {column[~drawable].flat[0]:g} cannot be drawn; give {wanted}")
    return column


def sample(seed: int, stream: int, count: int, start: int = 0) -> dict[str, NDArray[np.float64]]:
    """Factors of `count` images of a stream from image `start`, name -> (count,)."""
    # One row of 8 words per image, so row i is the same however many rows follow. Raw words, because numpy
    # guarantees them to be the same in every version, but not its distributions (NEP 19).
    begun = start * len(FACTORS) // _WORDS
    words = np.random.Philox(key=seed + (stream << 64), counter=begun).random_raw((count, len(FACTORS)))
    draws = dict(zip(FACTORS, ((words >> np.uint64(11)) * 2.0**-53).T, strict=True))
    shape = np.floor(draws["shape"] * len(SHAPES))
    period = np.array([outline.period for outline in OUTLINES.values()])[shape.astype(np.int64)]
    return {
        "shape": shape,
        "hue": draws["hue"],
        "x": 0.33 + 0.34 * draws["x"],
        "y": 0.33 + 0.34 * draws["y"],
        "size": 0.2 + 0.13 * draws["size"],
        "rotation": period * draws["rotation"],
        "background": draws["background"],
        "background_angle": 2 * np.pi * draws["background_angle"],
    }
