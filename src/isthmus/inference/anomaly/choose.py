"""Which measure of error a calibration uses, chosen without a single real anomaly.

The rule: every measure scores normal pictures and four kinds of made-up anomalies (`made_up.py`). The one with the
highest AUROC, averaged over the kinds, is taken instead of `mse` if it is ahead in 80 % of bootstrap resamples of the
pictures; so with few pictures only a clear lead counts, and otherwise the plainest measure stays.

Why 80 %: both mistakes cost AUROC (docs/decisions.md, "which lead of a measure counts"). On pictures of ships, `local`
leads by 0.026; from 30 of them, 95 % gave up 0.023 of that on average, 80 % gave up 0.016. On digits `mse` is the best,
and 80 % lost 0.0002.

The pictures are the run's validation images. They chose its weights, so their errors are a little low, but for all
measures alike, and the calibration's own pictures must have no part in any choice: then its p-values stay exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from isthmus.core.pixels import Pixels
from isthmus.core.streams import sealed
from isthmus.core.wording import counted
from isthmus.evaluation.evenly import evenly
from isthmus.inference.anomaly.errors import errors_of, usable
from isthmus.inference.anomaly.latent_distance import LatentReference
from isthmus.inference.anomaly.made_up import KINDS, made_up
from isthmus.inference.anomaly.scored_model import ScoredModel

_USUAL = "mse"
_MOST = 400  # pictures, where more would not change the choice
_VALUES = 1 << 27  # of their pixels together
_FEW = 5  # with fewer, resamples are nearly all alike
_CHANGED = 100  # of each kind: few pictures are changed several times, so that the place of a change matters less
_RESAMPLES, _SURE = 500, 0.8


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
        return Choice(
            _USUAL, f"{_USUAL}, because a choice needs {_FEW} validation images, and there are {len(normal)}."
        )
    return choice_of(orders(scored, normal, reference))


def orders(scored: ScoredModel, normal: np.ndarray, reference: LatentReference) -> dict[str, np.ndarray]:
    """normal (N, C, H, W) -> for each usable measure (N, N): whether picture i has a smaller error than picture j
    changed, one half for equal errors, averaged over the kinds of change. The mean is the AUROC."""
    measures = usable(scored)
    own = errors_of(scored, normal, measures, reference).errors
    sums = {measure: np.zeros((len(normal), len(normal))) for measure in measures}
    times = max(1, _CHANGED // len(normal))
    for kind in KINDS:
        changed = errors_of(scored, made_up(np.tile(normal, (times, 1, 1, 1)), kind), measures, reference).errors
        for measure in measures:
            for errors in changed[measure].reshape(times, len(normal)):
                sums[measure] += (1 + np.sign(errors[None] - own[measure][:, None])) / 2
    return {measure: total / (times * len(KINDS)) for measure, total in sums.items()}


def choice_of(found: Mapping[str, np.ndarray]) -> Choice:
    """The choice from what `orders` found."""
    areas = {measure: float(order.mean()) for measure, order in found.items()}
    best, count = max(areas, key=lambda measure: areas[measure]), len(found[_USUAL])
    draws = np.random.default_rng(sealed("anomaly bootstrap"))
    weights = draws.multinomial(count, np.full(count, 1 / count), _RESAMPLES) / count
    ahead = found[best] - found[_USUAL]
    sure = float((np.einsum("bi,ij,bj->b", weights, ahead, weights, optimize=True) > 0).mean())
    measure = best if sure >= _SURE else _USUAL
    values = ", ".join(f"{name} {area:.2f}" for name, area in areas.items())
    stays = ""
    if measure != best:
        stays = (
            f"; {best} is ahead of {_USUAL} in only {math.floor(100 * sure)} % of resamples of these images, which may "
            f"be chance, so {_USUAL} stays; more validation images would tell"
        )
    return Choice(
        measure,
        f"{measure}, chosen without labels. AUROC on made-up anomalies of {counted(count, 'validation image')}: "
        f"{values}{stays}.",
        areas,
    )
