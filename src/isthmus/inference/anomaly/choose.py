"""Which measure of error a calibration uses, chosen without a single real anomaly.

The rule: every measure scores normal pictures and three kinds of made-up anomalies (`made_up.py`), and the one with the
highest AUROC, averaged over the kinds, is taken. `mse` stays unless another is ahead by `_LEAD`: a smaller lead is no
more than the chance of which pictures were changed where.

The pictures are the run's validation images. They chose its weights, so their errors are a little low, but for all
measures alike, and the calibration's own pictures must have no part in any choice: then its p-values stay exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from sklearn.metrics import roc_auc_score

from isthmus.core.pixels import Pixels
from isthmus.evaluation.evenly import evenly
from isthmus.inference.anomaly.errors import errors_of, usable
from isthmus.inference.anomaly.latent_distance import LatentReference
from isthmus.inference.anomaly.made_up import KINDS, made_up
from isthmus.inference.anomaly.scored_model import ScoredModel

_LEAD = 0.01
_MOST = 400  # pictures, where more would not change the choice
_VALUES = 1 << 27  # of their pixels together
_FEW = 20  # with fewer, an AUROC is a matter of chance


@dataclass(frozen=True)
class Choice:
    """The measure, why in a sentence, and each measure's mean AUROC on made-up anomalies, if it was chosen by that."""

    measure: str
    why: str
    separations: dict[str, float] = field(default_factory=dict)


def choose_measure(scored: ScoredModel, images: Pixels, reference: LatentReference) -> Choice:
    """The measure by the rule above. images: the run's validation images (N, C, H, W)."""
    most = max(_FEW, min(_MOST, _VALUES // math.prod(images.shape[1:])))
    normal = images[evenly(len(images), most)]
    if len(normal) < _FEW:
        return Choice("mse", f"mse, because a choice needs {_FEW} validation images and there are {len(normal)}.")
    separations = separate(scored, normal, reference)
    best = max(separations, key=lambda measure: separations[measure])
    measure = best if separations[best] >= separations["mse"] + _LEAD else "mse"
    found = ", ".join(f"{name} {value:.2f}" for name, value in separations.items())
    return Choice(
        measure,
        f"{measure}, chosen without labels: AUROC on made-up anomalies of {len(normal):,} validation images is {found}"
        f"{'' if measure == best else f'; mse stays unless another is ahead by {_LEAD:g}'}.",
        separations,
    )


def separate(scored: ScoredModel, normal: np.ndarray, reference: LatentReference) -> dict[str, float]:
    """normal (N, C, H, W) -> each usable measure's AUROC against made-up anomalies of them, averaged over kinds."""
    measures = usable(scored)
    own = errors_of(scored, normal, measures, reference).errors
    sums = dict.fromkeys(measures, 0.0)
    labels = np.repeat([False, True], len(normal))
    for kind in KINDS:
        other = errors_of(scored, made_up(normal, kind), measures, reference).errors
        for measure in measures:
            sums[measure] += float(roc_auc_score(labels, np.concatenate([own[measure], other[measure]])))
    return {measure: total / len(KINDS) for measure, total in sums.items()}
