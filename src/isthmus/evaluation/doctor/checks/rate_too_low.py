"""Was the error still falling at the end?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.learning_curve import falls
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_FALL = 0.1
_USUAL = 1e-3  # a learning rate up to which three times as much is no risk
_HIGH = 5e-3  # above this rate, a late fall does not mean that more training helps


class RateTooLow(Check):
    """Over the last fifth of the training the error fell by more than a tenth."""

    states = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        fall, rate = falls(measured.curve), measured.recipe.train.learning_rate
        if fall is None or fall <= _FALL or rate > _HIGH:
            return None
        remedies = [Remedy("train longer ({})", measured.longer())]
        if rate < _USUAL:
            remedies.append(Remedy("try {}", {"train.learning_rate": min(3 * rate, _USUAL)}))
        return Fault(
            "warning",
            f"Training ended too early: its error fell by {100 * fall:.0f} % over the last fifth of the training.",
            measured.on_enough_images(remedies),
            {"fall": fall},
        )
