"""From which error on a sample is flagged, so that a promised rate of false alarms is kept.

errors of samples that neither trained nor chose the model -> sorted -> a threshold that at most the promised share of
normal samples exceeds. Source: Vovk, Gammerman and Shafer 2005, doi:10.1007/b106715, chapter 2.
"""

from __future__ import annotations

import math

import numpy as np

_SLACK = 1e-9  # 0.07 * 100 is 7.000000000000001: rounding must neither give nor take a false alarm
# An error that is computed again in another batch may differ in its last bits, and must not exceed itself.
_ABOVE = 1 + 1e-9


def p_values(calibration: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """calibration (n,) ascending, errors (N,) -> (N,): (1 + calibration errors at least as large) / (n + 1)."""
    at_least = len(calibration) - np.searchsorted(calibration * _ABOVE, errors, side="left")
    return (1 + at_least) / (len(calibration) + 1)


def threshold(calibration: np.ndarray, level: float) -> float:
    """The error above which the p-value is at most `level`; infinite where n is too small: n >= 1 / level - 1.

    calibration: (n,) ascending.
    """
    allowed = math.floor(level * (len(calibration) + 1) + _SLACK)
    return math.inf if allowed < 1 else float(calibration[-min(allowed, len(calibration))]) * _ABOVE


def least_samples(level: float) -> int:
    """How many calibration samples a level needs."""
    return math.ceil(1 / level - 1 - _SLACK)
