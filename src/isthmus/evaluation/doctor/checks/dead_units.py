"""Are all numbers of a plain or sparse latent used?"""

from __future__ import annotations

import numpy as np

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_LEAST = 1e-8  # of the largest variance of a number


class DeadUnits(Check):
    """A number of a latent without a posterior has the same value for all sampled training images."""

    states = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        bottleneck = measured.model.bottleneck
        if "kl" in bottleneck.penalties or bottleneck.codes:
            return None
        spread = measured.spread
        count, size = int(np.sum(spread <= _LEAST * max(float(spread.max()), 1e-12))), len(spread)
        if not count:
            return None
        return Fault(
            "error" if count == size else "warning" if count >= 0.1 * size else "note",
            f"{count} of the {size} numbers of its latent never change.",
            _remedies(measured, size - count),
            {"dead": count, "of": size},
        )


def _remedies(measured: Measurements, alive: int) -> list[Remedy]:
    found: list[Remedy] = []
    kept, weight = measured.option("bottleneck.k"), measured.option("objective.weights.sparsity")
    if alive >= (kept or 1) and measured.has_option("bottleneck.dim"):
        found.append(Remedy("use fewer numbers ({})", {"bottleneck.dim": alive}))
    if kept and 2 * kept <= measured.model.latent_size:
        found.append(Remedy("keep more of them per image ({})", {"bottleneck.k": 2 * kept}))
    if weight:
        found.insert(0, Remedy(f"lower {{}} (it is {weight:g})", {"objective.weights.sparsity": weight / 4}))
    if kept is None and not weight:
        rate = measured.recipe.train.learning_rate
        found.insert(0, Remedy("lower {}", {"train.learning_rate": rate / 3}))
    return found
