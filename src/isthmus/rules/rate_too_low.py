"""Was the error still falling at the end?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis
from isthmus.symptoms import Symptoms, falls

_FALL = 0.1


class RateTooLow:
    """Over the last fifth of the training the error fell by more than a tenth."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        fall = falls(symptoms.curve)
        if fall is None or fall <= _FALL:
            return None
        train = symptoms.recipe.train
        budget = f"train.seconds={2 * train.seconds:g}" if train.seconds else f"train.epochs={2 * train.epochs}"
        return Diagnosis(
            "rate_too_low",
            "warning",
            f"It was not done: its error fell by {100 * fall:.0f} % over the last fifth of the training.",
            f"Train longer ({budget}), or try train.learning_rate={3 * train.learning_rate:.2g}.",
            {"fall": fall},
        )
