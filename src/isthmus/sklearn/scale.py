"""On which scale the numbers of X are, and how they get onto the model's.

levels of 8 or 16 bits: as everywhere in isthmus; any other numbers: (X - offset) / unit, neither clamped nor rounded
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

from isthmus.core.errors import InputError
from isthmus.core.pixels import Depth, levels

_TYPES: dict[int, type[np.generic]] = {8: np.uint8, 16: np.uint16, 32: np.float32}


@dataclass(frozen=True)
class Scale:
    """offset, unit: (D,) or (1,) float64; the model's values are (X - offset) / unit.

    depth: 8 or 16 where X holds levels, else 32. error_unit: what squared errors of the model's values are multiplied
    by, so that images have the evaluator's scale, on which white is 1 and black 0. said: a sentence for the user.
    """

    offset: np.ndarray
    unit: np.ndarray
    depth: Depth = 32
    error_unit: float = 1.0
    said: str = ""

    def to_model(self, rows: np.ndarray) -> np.ndarray:
        """rows (N, D) -> float64, about [-1, 1]."""
        with np.errstate(over="ignore"):  # whoever uses the values says what overflows
            return (rows.astype(np.float64) - self.offset) / self.unit

    def from_model(self, values: np.ndarray) -> np.ndarray:
        """values (N, D) of the model -> float64 in the unit of X."""
        return values.astype(np.float64) * self.unit + self.offset

    def to_pixels(self, rows: np.ndarray) -> np.ndarray:
        """rows (N, D) -> pixels to train on: levels as they are, other numbers as float32, of which 0 to 1 is [-1, 1].

        Raises InputError where levels were expected and other numbers came.
        """
        if self.depth == 32:
            with np.errstate(over="ignore"):  # as in `to_model`
                return (self.to_model(rows) / 2 + 0.5).astype(np.float32)
        return self._levels(rows)

    def _levels(self, rows: np.ndarray) -> np.ndarray:
        kind = _TYPES[self.depth]
        if rows.dtype == kind:
            return rows
        found = rows.astype(kind) if np.all((rows >= 0) & (rows <= levels(np.dtype(kind)))) else None
        if found is None or (found != rows).any():
            raise InputError(
                f"X: this was fitted on {kind.__name__} images, and these are {rows.dtype} with other values than "
                f"whole ones from 0 to {levels(np.dtype(kind)):,}; pass {kind.__name__}, or fit on such numbers"
            )
        return found


def scale_of_rows(train: np.ndarray) -> Scale:
    """Each column of train (N, D) by its mean and standard deviation; of a constant column, the unit stays 1.

    Raises InputError where a variance overflows.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        fitted = StandardScaler().fit(train.astype(np.float64, copy=False))
    lost = np.flatnonzero(~np.isfinite(np.asarray(fitted.scale_)))
    if len(lost):
        largest = np.abs(train[:, lost[0]]).max()
        raise InputError(
            f"X: column {lost[0]} has values up to {largest:.3g}, whose variance overflows; scale it first"
        )
    constant = int((train.min(axis=0) == train.max(axis=0)).sum())
    said = f"{constant:,} of {train.shape[1]:,} columns are constant in the training rows; they are only shifted to 0."
    return Scale(np.asarray(fitted.mean_), np.asarray(fitted.scale_), said=said if constant else "")


def scale_of_images(train: np.ndarray) -> Scale:
    """One black and one white for all pixels of train (N, D): of the type, 0 and 1 of shares, else the values' ends."""
    if train.dtype.name in ("uint8", "uint16"):
        depth: Depth = 8 if train.dtype == np.uint8 else 16
        return _between(0.0, float(levels(train.dtype)), depth)
    low, high = float(train.min()), float(train.max())
    if low >= 0 and high <= 1:
        return _between(0.0, 1.0, 32)
    high = high if high > low else low + 1
    return _between(low, high, 32, f"Black is {low:g} and white {high:g}, the ends of the training images' values.")


def _between(black: float, white: float, depth: Depth, said: str = "") -> Scale:
    half = (white - black) / 2
    return Scale(np.array([black + half]), np.array([half]), depth, 0.25, said)
