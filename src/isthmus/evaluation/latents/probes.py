"""What simple methods can predict from latents: classes, and known causes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

NEIGHBOURS = 10
_STRENGTH = 1.0  # of the ridge penalty, on latents of unit variance


def nearest_neighbours(known: np.ndarray, labels: np.ndarray, asked: np.ndarray, truth: np.ndarray) -> float:
    """Accuracy of a vote among the 10 nearest latents by Euclidean distance: known (N, D), asked (M, D)."""
    from sklearn.neighbors import KNeighborsClassifier

    model: Any = KNeighborsClassifier(min(NEIGHBOURS, len(known)))
    return float(model.fit(known, labels).score(asked, truth))


def linear_probe(known: np.ndarray, labels: np.ndarray, asked: np.ndarray, truth: np.ndarray) -> float:
    """Accuracy of a logistic regression on latents of unit variance."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    known, asked = standardised(known, asked)
    model: Any = LogisticRegression(C=0.1, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the probe is defined as a hundred steps
        return float(model.fit(known, labels).score(asked, truth))


def linear_r2(
    known: np.ndarray, causes: Mapping[str, np.ndarray], asked: np.ndarray, truths: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """For each cause, the share of its variance that a ridge regression on latents of unit variance explains."""
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score

    known, asked = standardised(known, asked)
    found: dict[str, float] = {}
    for name, values in causes.items():
        model: Any = Ridge(_STRENGTH).fit(known, values)
        found[name] = float(r2_score(truths[name], model.predict(asked)))
    return found


def standardised(known: np.ndarray, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both, standardised by the mean and the deviation of `known`; numbers that do not vary are only centred."""
    spread = known.std(0)
    spread = np.where(spread > 1e-6 * max(float(spread.max()), 1e-12), spread, 1.0)
    return (known - known.mean(0)) / spread, (asked - known.mean(0)) / spread
