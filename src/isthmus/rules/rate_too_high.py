"""Does the error jump up and down?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis
from isthmus.symptoms import Symptoms, jumps, rises

_BY, _SHARE = 0.1, 0.2
_RISE = 2.0


class RateTooHigh:
    """The error once rose to twice what it had been, or late in training it rose by a tenth in a fifth of its steps."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        if symptoms.option("objective.warmup_steps"):  # the error gives way to what the objective asks for
            return None
        rise, share = rises(symptoms.curve), jumps(symptoms.curve, _BY)
        if rise is not None and rise >= _RISE:
            seen = f"its error rose to {rise:.1f} times what it had been"
        elif share is not None and share >= _SHARE:
            seen = f"late in training it rose by over {100 * _BY:.0f} % in {100 * share:.0f} % of the logged steps"
        else:
            return None
        rate = symptoms.recipe.train.learning_rate
        return Diagnosis(
            "rate_too_high",
            "warning",
            f"Its learning rate looks too high: {seen}.",
            f"Try train.learning_rate={rate / 3:.2g}, or train.clip_norm=1.0.",
            {"rise": rise or 0.0, "share": share or 0.0},
        )
