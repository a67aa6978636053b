"""Did it take enough steps to learn anything?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check
from isthmus.recipes.training_length import ENOUGH_STEPS


class Untrained(Check):
    """It took fewer than a hundred steps, or hardly more than its warm-up, and is not better than PCA."""

    states = ("untrained",)

    def look(self, measured: Measurements) -> Fault | None:
        training = measured.training
        taken = f"{training.steps} step{'' if training.steps == 1 else 's'}"
        warming = (
            f", {min(training.warmup_steps, training.steps)} of them in the warm-up" if training.warmup_steps else ""
        )
        steps = max(ENOUGH_STEPS, 4 * training.warmup_steps)
        return Fault(
            "error",
            f"It is untrained: it took {taken}{warming}, and one pass over its images is "
            f"{training.pass_steps}; nothing else can be said about it yet.",
            [Remedy("train longer ({})", measured.trained_for(steps))],
            {"steps": training.steps, "pass_steps": training.pass_steps},
        )
