"""Did it take enough steps to learn anything?"""

from __future__ import annotations

from isthmus.diagnosis import Fault, Remedy, State
from isthmus.symptoms.seen import Symptoms

_STEPS = 1000  # that a small network takes to learn what is there


class Untrained:
    """It took fewer than a hundred steps, or hardly more than its warm-up, and does not beat PCA."""

    states: tuple[State, ...] = ("untrained",)

    def look(self, symptoms: Symptoms) -> Fault | None:
        training, train = symptoms.training, symptoms.recipe.train
        taken = f"{training.steps} step{'' if training.steps == 1 else 's'}"
        warming = f", {min(train.warmup_steps, training.steps)} of them warming up" if train.warmup_steps else ""
        steps = max(_STEPS, 4 * train.warmup_steps)
        return Fault(
            "error",
            f"It is untrained: it took {taken}{warming}, an epoch of its images being "
            f"{training.pass_steps}; nothing else can be said of it yet.",
            [Remedy("train longer ({})", symptoms.trained_for(steps))],
            {"steps": training.steps, "pass_steps": training.pass_steps},
        )
