"""Are all numbers of a plain or sparse latent in use?"""

from __future__ import annotations

import numpy as np

from isthmus.diagnosis import Diagnosis, as_sentence
from isthmus.symptoms import Symptoms

_LEAST = 1e-8  # of the liveliest number's variance


class DeadUnits:
    """A number of a latent without a posterior is the same for every training image looked at."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        bottleneck = symptoms.model.bottleneck
        if "kl" in bottleneck.penalties or hasattr(bottleneck, "codes"):
            return None
        spread = symptoms.spread
        count, size = int(np.sum(spread <= _LEAST * max(float(spread.max()), 1e-12))), len(spread)
        if not count:
            return None
        boost = "raise bottleneck.boost" if symptoms.option("bottleneck.boost") is not None else ""
        sparsity = "lower objective.weights.sparsity" if symptoms.option("objective.weights.sparsity") else ""
        return Diagnosis(
            "dead_units",
            "error" if count == size else "warning" if count >= 0.1 * size else "note",
            f"{count} of the {size} numbers of its latent never change.",
            as_sentence(f"{boost or sparsity or 'lower train.learning_rate'}, or have fewer numbers"),
            {"dead": count, "of": size},
        )
