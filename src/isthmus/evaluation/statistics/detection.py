"""How well errors tell anomalies from normal images: AUROC and average precision, with 95 % intervals over images.

AUROC: the probability that an anomaly has a larger error than a normal image, ties counted half. Its interval is
DeLong's (Biometrics 44, 1988, equations 3 to 5) on the logit scale, which keeps it between 0 and 1. Without any overlap
DeLong's variance is zero; then the interval ends at 0.025^(1/k), where k is the smaller number of images: k disjoint
pairs are independent, and a true AUROC of a shows k of k in order with a probability of at most a^k.

Average precision: the mean precision at each anomaly, from the largest error down. It depends on the share of anomalies
among the images; that share is its value for random errors. Its interval is a bootstrap over images within both kinds.

scikit-learn computes both figures, and has no interval for them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, logit, ndtri
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score, roc_auc_score

from isthmus.core.streams import sealed
from isthmus.evaluation.statistics.intervals import LEVEL
from isthmus.run_files.scores import IntervalRecord

_QUANTILE = -float(ndtri(LEVEL / 2))
# scikit-learn gets ranks: errors may be infinite
_DRAWS = 1000  # of the bootstrap; the ends of the interval vary by about a thirtieth of its width


def auroc(errors: np.ndarray, anomalous: np.ndarray) -> IntervalRecord:
    """errors (N,), anomalous (N,) bool, with at least one of each kind -> AUROC and its interval."""
    mean = float(roc_auc_score(anomalous, rankdata(errors)))
    few = min(int(anomalous.sum()), int((~anomalous).sum()))
    if few < 2:  # DeLong's variances need two images of each kind
        return IntervalRecord(mean=mean, low=0.0, high=1.0)
    if mean in (0.0, 1.0):
        reach = (LEVEL / 2) ** (1 / few)
        return (
            IntervalRecord(mean=mean, low=reach, high=1.0)
            if mean
            else IntervalRecord(mean=0.0, low=0.0, high=1 - reach)
        )
    half = _QUANTILE * math.sqrt(_variance(_placements(errors, anomalous))) / (mean * (1 - mean))
    return IntervalRecord(mean=mean, low=float(expit(logit(mean) - half)), high=float(expit(logit(mean) + half)))


def auroc_difference(one: np.ndarray, other: np.ndarray, anomalous: np.ndarray) -> IntervalRecord:
    """AUROC of errors `one` minus that of `other`, both (N,) on the same images; DeLong's paired interval."""
    mean = float(roc_auc_score(anomalous, rankdata(one))) - float(roc_auc_score(anomalous, rankdata(other)))
    if min(int(anomalous.sum()), int((~anomalous).sum())) < 2:
        return IntervalRecord(mean=mean, low=-1.0, high=1.0)
    pairs = zip(_placements(one, anomalous), _placements(other, anomalous), strict=True)
    half = _QUANTILE * math.sqrt(_variance(tuple(a - b for a, b in pairs)))
    return IntervalRecord(mean=mean, low=max(mean - half, -1.0), high=min(mean + half, 1.0))


def average_precision(errors: np.ndarray, anomalous: np.ndarray) -> IntervalRecord:
    """errors (N,), anomalous (N,) bool, with at least one of each kind -> average precision and its interval.

    Where no normal image has an error as large as an anomaly's, every resample is perfect too. Then resamples are drawn
    from the images and one more normal image with the largest error of all, which may have been missed.
    """
    mean = float(average_precision_score(anomalous, rankdata(errors)))
    draws = np.random.default_rng(sealed("anomaly bootstrap"))
    if mean == 1.0:
        errors, anomalous = np.append(errors, np.inf), np.append(anomalous, False)
    found = _resampled(errors, anomalous, draws)
    low, high = np.quantile(found, [LEVEL / 2, 1 - LEVEL / 2]).tolist()
    return IntervalRecord(mean=mean, low=min(low, mean), high=max(high, mean))


def _placements(errors: np.ndarray, anomalous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each anomaly the share of normal images below it, and for each normal image the share of anomalies above."""
    ranks = rankdata(errors)
    high, low = errors[anomalous], errors[~anomalous]
    above = (ranks[anomalous] - rankdata(high)) / len(low)
    below = 1 - (ranks[~anomalous] - rankdata(low)) / len(high)
    return above, below


def _variance(placements: tuple[np.ndarray, ...]) -> float:
    return sum(float(part.var(ddof=1)) / len(part) for part in placements)


def _resampled(errors: np.ndarray, anomalous: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    """(_DRAWS,) average precisions of images drawn with replacement within both kinds."""
    order = np.argsort(-errors, kind="stable")
    errors, anomalous = errors[order], anomalous[order]
    last = np.append(errors[1:] != errors[:-1], True)  # of equal errors: precision is defined after all of them
    kinds = [(which, np.full(which.sum(), 1 / which.sum())) for which in (anomalous, ~anomalous)]
    found = np.empty(_DRAWS)
    for draw in range(_DRAWS):
        times = np.empty(len(errors), np.int64)
        for which, chance in kinds:
            times[which] = draws.multinomial(len(chance), chance)
        seen, true = np.cumsum(times)[last], np.cumsum(times * anomalous)[last]
        precision = true / np.maximum(seen, 1)
        found[draw] = float((np.diff(true, prepend=0) * precision).sum()) / true[-1]
    return found
