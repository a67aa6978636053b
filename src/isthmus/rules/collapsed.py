"""Do numbers of a variational latent carry anything?"""

from __future__ import annotations

import numpy as np

from isthmus.diagnosis import Diagnosis, as_sentence
from isthmus.symptoms import Symptoms

_NATS = 0.03
_SHARE = 0.1


class Collapsed:
    """A tenth or more of a posterior's numbers have collapsed: their KL to the prior is below 0.03 nats.

    Under a prior whose KL is not known number by number: their mean varies over images by less than a thousandth of
    what the liveliest does.
    """

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        if "kl" not in symptoms.model.bottleneck.penalties or len(symptoms.model.latent_shape) != 1:
            return None
        spread = symptoms.spread
        dead = spread < 1e-3 * max(float(spread.max()), 0.01) if symptoms.kl is None else symptoms.kl < _NATS
        count, size = int(np.sum(dead)), len(dead)
        if count < max(1, _SHARE * size):
            return None
        weight = symptoms.option("objective.weights.kl")
        lower = f"lower objective.weights.kl (it is {weight:g}), " if isinstance(weight, float) else ""
        ease = "set objective.free_nats.kl=0.1, or raise objective.warmup_steps"
        narrow = f"; or save them: bottleneck.dim={size - count}" if symptoms.option("bottleneck.dim") else ""
        return Diagnosis(
            "collapsed",
            "error" if count >= 0.9 * size else "warning" if count >= 0.5 * size else "note",
            f"{count} of the {size} numbers of its latent have collapsed: they say nothing of the image.",
            as_sentence(f"{lower}{ease}{narrow if count < size else ''}"),
            {"collapsed": count, "of": size},
        )
