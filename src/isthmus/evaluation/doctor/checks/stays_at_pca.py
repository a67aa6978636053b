"""Did training get anywhere from its start at PCA?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, State
from isthmus.evaluation.doctor.measurements.symptoms import Symptoms

_HARM = 1.2  # times PCA's error, in training


class StaysAtPca:
    """A model that started at PCA is PCA still: its start was kept, or what was kept is within 0.03 dB of it."""

    states: tuple[State, ...] = ("at_pca",)

    def look(self, symptoms: Symptoms) -> Fault | None:
        sentence = f"It is PCA with {symptoms.components}, where it started: training found nothing better"
        if symptoms.training.kept:
            sentence += " by 0.03 dB"
        return Fault(
            "warning",
            f"{sentence}.",
            symptoms.on_enough_images(_remedies(symptoms)),
            {"kept_epoch": symptoms.training.kept},
        )


def _remedies(symptoms: Symptoms) -> list[Remedy]:
    """Four times as long took 64 numbers of drawn scenes 0.5 dB above PCA, with `residual` and muon 1.1 dB."""
    validation, rate = symptoms.training.validation, symptoms.recipe.train.learning_rate
    longer = symptoms.longer(4)
    faster = {**longer, "architecture.kind": "residual", "train.optimizer": "muon"}
    remedies = [
        Remedy("train longer ({})", longer),
        Remedy("train a network longer that adds to PCA from its first step ({})", faster),
    ]
    if validation and max(validation) > _HARM * validation[0]:
        remedies.insert(0, Remedy("lower the rate, which did harm ({})", {**longer, "train.learning_rate": rate / 10}))
    return remedies
