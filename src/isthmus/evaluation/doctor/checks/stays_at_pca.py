"""Did training improve on its start at PCA?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_HARM = 1.2  # times PCA's error, in training


class StaysAtPca(Check):
    """A model that started at PCA still is PCA: the start was kept, or the kept epoch is within 0.03 dB of it."""

    states = ("at_pca",)

    def look(self, measured: Measurements) -> Fault | None:
        improved = (
            "improved on this start by less than 0.03 dB" if measured.training.kept else "did not improve on this start"
        )
        return Fault(
            "warning",
            f"It is still {measured.yardstick}: training {improved}.",
            measured.on_enough_images(_remedies(measured)),
            {"kept_epoch": measured.training.kept},
        )


def _remedies(measured: Measurements) -> list[Remedy]:
    """On `scenes` with 64 numbers, training 4 times as long gave 0.5 dB over PCA; with `residual` and muon, 1.1 dB."""
    validation, rate = measured.training.validation, measured.recipe.train.learning_rate
    longer = measured.longer(4)
    faster = {**longer, "architecture.kind": "residual", "train.optimizer": "muon"}
    remedies = [
        Remedy("train longer ({})", longer),
        Remedy("train a network that improves on PCA from its first step, and longer ({})", faster),
    ]
    if validation and max(validation) > _HARM * validation[0]:
        remedies.insert(
            0,
            Remedy(
                "lower the learning rate, because the present one made it worse than PCA ({})",
                {**longer, "train.learning_rate": rate / 10},
            ),
        )
    return remedies
