"""Whether single numbers of a latent represent single causes, if the causes are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isthmus.core.streams import sealed
from isthmus.run_files.latent import Dci

BINS = 20
MOST_NUMBERS = 128  # with more numbers a forest takes minutes
LEAST_IMAGES = 200  # with fewer, 20 bins and the importances of a forest hold chance alone
_TREES = 30
_TRAINED_ON = 3000


def mutual_information_gap(z: np.ndarray, causes: Mapping[str, np.ndarray]) -> float:
    """MIG of z (N, D): 1 if every cause is in one number alone, 0 if no number is more informative than another.

    "Isolating Sources of Disentanglement in VAEs" (Chen et al., arXiv:1802.04942, equation 6), with both sides in 20
    bins of equal width, as Locatello et al. (arXiv:1811.12359, appendix C) do.
    """
    latents = np.stack([_binned(column) for column in z.T])
    gaps = [0.0] if len(latents) < 2 else []
    for values in causes.values():
        cause = _binned(values)
        entropy = _information(cause, cause)
        if entropy <= 0 or len(latents) < 2:
            continue
        told = np.sort([_information(column, cause) for column in latents])
        gaps.append((told[-1] - told[-2]) / entropy)
    return float(np.mean(gaps)) if gaps else 0.0


def dci(
    known: np.ndarray, causes: Mapping[str, np.ndarray], asked: np.ndarray, truths: Mapping[str, np.ndarray]
) -> Dci:
    """Disentanglement (a number predicts one cause), completeness (one number predicts a cause), informativeness
    (the R2, or for `shape` and other counted causes the accuracy, of the forests from which both are computed).

    "A Framework for the Quantitative Evaluation of Disentangled Representations" (Eastwood and Williams, ICLR 2018,
    equations 1 to 4), importances from forests of random trees.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    columns: list[np.ndarray] = []
    scores: list[float] = []
    for name, values in causes.items():
        kinds = counted(values)
        kind = ExtraTreesClassifier if kinds else ExtraTreesRegressor
        forest: Any = kind(_TREES, max_depth=12, random_state=sealed("probes"))
        chosen = slice(None, _TRAINED_ON)
        ours, theirs = (v.astype(int) if kinds else v for v in (values, truths[name]))
        forest.fit(known[chosen], ours[chosen])
        columns.append(forest.feature_importances_)
        scores.append(float(forest.score(asked, theirs)))
    importance = np.stack(columns, 1)  # (D, causes)
    by_number = importance.sum(1) / max(importance.sum(), 1e-12)
    by_cause = importance.sum(0) / max(importance.sum(), 1e-12)
    return Dci(
        disentanglement=float((by_number * (1 - _spread(importance))).sum()),
        completeness=float((by_cause * (1 - _spread(importance.T))).sum()),
        informativeness=float(np.mean(scores)),
    )


def _spread(importance: np.ndarray) -> np.ndarray:
    """Entropy of each row: 0 if one entry has all the weight, 1 if all entries are equal."""
    share = importance / np.maximum(importance.sum(1, keepdims=True), 1e-12)
    logs = np.log(np.maximum(share, 1e-12))
    return -(share * logs).sum(1) / np.log(max(importance.shape[1], 2))


def counted(values: np.ndarray) -> bool:
    """Whether values are classes or counts rather than continuous amounts."""
    return bool((values == np.round(values)).all()) and len(np.unique(values)) <= BINS


def _binned(values: np.ndarray) -> np.ndarray:
    if counted(values):
        return np.unique(values, return_inverse=True)[1]
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.zeros(len(values), dtype=int)
    return np.minimum(((values - low) / (high - low) * BINS).astype(int), BINS - 1)


def _information(one: np.ndarray, other: np.ndarray) -> float:
    """Mutual information of two columns of counted values, nats."""
    joint = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(joint, (one, other), 1.0)
    joint /= len(one)
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    held = joint > 0
    return float((joint[held] * np.log(joint[held] / apart[held])).sum())
