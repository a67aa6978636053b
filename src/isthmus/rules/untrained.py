"""Did it take enough steps to learn anything?"""

from __future__ import annotations

import math

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
        epochs = math.ceil(_STEPS / training.epoch_steps)
        changes = {"train.epochs": max(epochs, 2 * train.epochs)}
        if train.seconds is not None:
            changes["train.seconds"] = math.ceil(train.seconds * _STEPS / max(training.steps, 1))
        return Fault(
            "error",
            f"It is untrained: it took {taken}{warming}, an epoch of its images being "
            f"{training.epoch_steps}; nothing else can be said of it yet.",
            [Remedy("train for more epochs ({})", changes)],
            {"steps": training.steps, "epoch_steps": training.epoch_steps},
        )
