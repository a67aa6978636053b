"""Did it take enough steps to learn anything?"""

from __future__ import annotations

from isthmus.core.wording import counted
from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check
from isthmus.recipes.training_length import ENOUGH_STEPS


class Untrained(Check):
    """It took fewer than a hundred steps, or hardly more than its warm-up, and is not better than PCA."""

    states = ("untrained",)

    def look(self, measured: Measurements) -> Fault | None:
        training = measured.training
        warming = min(training.warmup_steps, training.steps)
        warmed = f", {warming:,} of them in the warm-up" if warming else ""
        steps = max(ENOUGH_STEPS, 4 * training.warmup_steps)
        return Fault(
            "error",
            f"It is untrained: it took {counted(training.steps, 'step')}{warmed}, where one pass over its training "
            f"images takes {training.pass_steps:,}. Its scores say nothing about the recipe yet.",
            [Remedy("train longer ({})", measured.trained_for(steps))],
            {"steps": training.steps, "pass_steps": training.pass_steps},
        )
