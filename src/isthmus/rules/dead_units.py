"""Are all numbers of a plain or sparse latent in use?"""

from __future__ import annotations

import numpy as np

from isthmus.diagnosis import Fault, Remedy, State
from isthmus.symptoms.seen import Symptoms

_LEAST = 1e-8  # of the liveliest number's variance


class DeadUnits:
    """A number of a latent without a posterior is the same for every training image looked at."""

    states: tuple[State, ...] = ("trained",)

    def look(self, symptoms: Symptoms) -> Fault | None:
        bottleneck = symptoms.model.bottleneck
        if "kl" in bottleneck.penalties or hasattr(bottleneck, "codes"):
            return None
        spread = symptoms.spread
        count, size = int(np.sum(spread <= _LEAST * max(float(spread.max()), 1e-12))), len(spread)
        if not count:
            return None
        return Fault(
            "error" if count == size else "warning" if count >= 0.1 * size else "note",
            f"{count} of the {size} numbers of its latent never change.",
            _remedies(symptoms, size - count),
            {"dead": count, "of": size},
        )


def _remedies(symptoms: Symptoms, alive: int) -> list[Remedy]:
    found: list[Remedy] = []
    boost, weight = symptoms.option("bottleneck.boost"), symptoms.option("objective.weights.sparsity")
    if boost is not None:
        found.append(Remedy(f"raise {{}} (it is {boost:g})", {"bottleneck.boost": max(2 * boost, 1.0)}))
    if weight:
        found.append(Remedy(f"lower {{}} (it is {weight:g})", {"objective.weights.sparsity": weight / 4}))
    if boost is None and not weight:
        rate = symptoms.recipe.train.learning_rate
        found.append(Remedy("lower {}", {"train.learning_rate": rate / 3}))
    if alive >= (symptoms.option("bottleneck.k") or 1) and symptoms.takes("bottleneck.dim"):
        found.append(Remedy("have fewer numbers ({})", {"bottleneck.dim": alive}))
    return found
