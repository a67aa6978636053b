"""Conformal p-values: what share of normal pictures would look at least as unusual as this one.

errors of n normal pictures -> sorted; error e of a new picture -> p = (1 + #{errors >= e}) / (n + 1)

If the new picture and the n others are exchangeable (all normal, from the same source), p is at most `level` with a
probability of at most `level`, whatever the errors are: nothing is assumed about their distribution. Source: Vovk,
Gammerman and Shafer 2005, doi:10.1007/b106715, chapter 2; Laxhammar 2014 for anomalies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from isthmus.core.errors import InputError
from isthmus.core.wording import counted, shown

_SLACK = 1e-9  # 0.07 * 100 is 7.000000000000001: rounding must neither give nor take a false alarm


@dataclass(frozen=True)
class Promise:
    """What `n` calibration pictures promise at a level.

    level: the false-alarm rate asked for. allowed: a picture is flagged if its p-value is at most allowed / (n + 1).
    """

    level: float
    n: int
    allowed: int

    @property
    def rate(self) -> float:
        """The rate that is kept, on average over calibrations: the largest multiple of 1 / (n + 1) up to `level`."""
        return self.allowed / (self.n + 1)

    @property
    def likely(self) -> tuple[float, float]:
        """Where the false-alarm rate of one calibration lies with a probability of 95 %, if no two errors are equal.

        Given the n errors, the rate is a draw of Beta(allowed, n + 1 - allowed) (Vovk 2012, arXiv:1209.2673).
        """
        ends = betaincinv(self.allowed, self.n + 1 - self.allowed, [0.025, 0.975])
        return float(ends[0]), float(ends[1])

    def flags(self, p_values: np.ndarray) -> np.ndarray:
        """p_values (N,) -> (N,) bool."""
        return p_values * (self.n + 1) <= self.allowed + _SLACK * (self.n + 1)


def p_values(calibration: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """calibration (n,) sorted, errors (N,) -> (N,) float64 in (0, 1]. An equal error counts as at least as large.

    An error that is not a number gets the lowest p-value: it is unlike every normal picture.
    """
    at_least = len(calibration) - np.searchsorted(calibration, errors, side="left")
    return (1 + at_least) / (len(calibration) + 1)


def promise(level: float, n: int) -> Promise:
    """What n calibration pictures promise at a level.

    Raises InputError for a level outside (0, 1), and for one that so few pictures cannot promise (n >= 1/level - 1).
    """
    check_level(level)
    allowed = _allowed(level, n)
    if allowed < 1:
        raise InputError(
            f"false alarms: {level:g} needs {least_pictures(level):,} calibration pictures, and this run was "
            f"calibrated on {n:,}; calibrate on more, or ask for {_rounded_up(1 / (n + 1))}"
        )
    return Promise(level, n, allowed)


def threshold(calibration: np.ndarray, level: float) -> float:
    """The error above which a p-value is at most `level`; infinite where n errors are too few: n >= 1 / level - 1.

    calibration: (n,) sorted.
    """
    allowed = _allowed(level, len(calibration))
    return math.inf if allowed < 1 else float(calibration[-min(allowed, len(calibration))])


def check_level(level: float) -> None:
    """Raise InputError where `level` is no rate."""
    if not 0 < level < 1:
        raise InputError(f"false alarms: {shown(level)} is no rate; give a number between 0 and 1, such as 0.01")


def least_pictures(level: float) -> int:
    """How many calibration pictures a level needs: the lowest p-value, 1 / (n + 1), must reach it."""
    return math.ceil(1 / level - 1 - _SLACK)


def what_n_allows(n: int) -> str:
    """'With 150 calibration pictures the lowest rate that can be promised is 0.67 %.'"""
    return f"With {counted(n, 'calibration picture')}, the lowest rate that can be promised is {percent(1 / (n + 1))}."


def percent(share: float) -> str:
    """'1 %', '0.66 %', '12.5 %': three significant digits."""
    return f"{100 * share:.3g} %"


def _allowed(level: float, n: int) -> int:
    return math.floor(level * (n + 1) + _SLACK)


def _rounded_up(level: float) -> str:
    """A level of two significant digits that is not below `level`."""
    step = 10.0 ** (math.floor(math.log10(level)) - 1)
    return f"{math.ceil(level / step - _SLACK) * step:.2g}"
