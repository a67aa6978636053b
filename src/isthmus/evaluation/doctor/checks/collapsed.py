"""Do the numbers of a variational latent carry information?"""

from __future__ import annotations

import numpy as np

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_NATS = 0.03
_SHARE = 0.1
_FREE = 0.1  # nats


class Collapsed(Check):
    """A tenth or more of a posterior's numbers have collapsed: their KL to the prior is below 0.03 nats.

    Under a prior whose KL is not known for each number: the variance of their mean over images is below a thousandth
    of the largest one.
    """

    states = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        if "kl" not in measured.model.bottleneck.penalties or len(measured.model.latent_shape) != 1:
            return None
        spread = measured.spread
        dead = spread < 1e-3 * max(float(spread.max()), 0.01) if measured.kl is None else measured.kl < _NATS
        count, size = int(np.sum(dead)), len(dead)
        if count < max(1, _SHARE * size):
            return None
        return Fault(
            "error" if count >= 0.9 * size else "warning" if count >= 0.5 * size else "note",
            f"{count} of the {size} numbers of its latent have collapsed: they say nothing about the image.",
            _remedies(measured, size - count),
            {"collapsed": count, "of": size},
        )


def _remedies(measured: Measurements, alive: int) -> list[Remedy]:
    weight, free = measured.option("objective.weights.kl"), measured.option("objective.free_nats.kl")
    found: list[Remedy] = []
    if weight:
        part = 10 if not alive else 4
        found.append(Remedy(f"lower {{}} (it is {weight:g})", {"objective.weights.kl": weight / part}))
    if measured.has_option("objective.free_nats") and measured.kl is not None and (free is None or free < _FREE):
        found.append(Remedy("set {}", {"objective.free_nats.kl": _FREE}))
    if measured.has_option("objective.warmup_steps") and not measured.option("objective.warmup_steps"):
        found.append(Remedy("set {}", {"objective.warmup_steps": max(measured.training.steps // 2, 1)}))
    if alive and measured.has_option("bottleneck.dim"):
        found.append(Remedy("leave them out ({})", {"bottleneck.dim": alive}))
    return found
