"""Does the error jump up and down?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis
from isthmus.symptoms import Symptoms, jumps

_BY = 0.1
_SHARE = 0.2


class RateTooHigh:
    """In the second half of the training a fifth of the steps of its curve raise the error by over a tenth."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        share = None if symptoms.option("objective.warmup_steps") else jumps(symptoms.curve, _BY)
        if share is None or share < _SHARE:
            return None
        rate = symptoms.recipe.train.learning_rate
        return Diagnosis(
            "rate_too_high",
            "warning",
            f"Its learning rate looks too high: late in training its error still rose by over {_BY:.0%} in "
            f"{share:.0%} of the logged steps.",
            f"Try train.learning_rate={rate / 3:.2g}, or train.clip_norm=1.0.",
            {"share": share},
        )
