"""Did training get anywhere from its start at PCA?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_HARM = 1.2  # times PCA's error, in training


class StaysAtPca(Check):
    """A model that started at PCA is PCA still: its start was kept, or what was kept is within 0.03 dB of it."""

    states = ("at_pca",)

    def look(self, measured: Measurements) -> Fault | None:
        sentence = f"It is PCA with {measured.components}, where it started: training found nothing better"
        if measured.training.kept:
            sentence += " by 0.03 dB"
        return Fault(
            "warning",
            f"{sentence}.",
            measured.on_enough_images(_remedies(measured)),
            {"kept_epoch": measured.training.kept},
        )


def _remedies(measured: Measurements) -> list[Remedy]:
    """Four times as long took 64 numbers of drawn scenes 0.5 dB above PCA, with `residual` and muon 1.1 dB."""
    validation, rate = measured.training.validation, measured.recipe.train.learning_rate
    longer = measured.longer(4)
    faster = {**longer, "architecture.kind": "residual", "train.optimizer": "muon"}
    remedies = [
        Remedy("train longer ({})", longer),
        Remedy("train a network longer that adds to PCA from its first step ({})", faster),
    ]
    if validation and max(validation) > _HARM * validation[0]:
        remedies.insert(0, Remedy("lower the rate, which did harm ({})", {**longer, "train.learning_rate": rate / 10}))
    return remedies
