"""Is it much better on the images that it was trained on?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis, as_sentence
from isthmus.symptoms import Symptoms

_GROWTH = 1.2


class Overfits:
    """The error of validation images is over a fifth larger than that of training images."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        known, fresh = symptoms.mse["train"], symptoms.mse["validation"]
        if fresh <= _GROWTH * known:
            return None
        mirror = "set train.mirror=true, " if symptoms.option("train.mirror") is False else ""
        return Diagnosis(
            "overfits",
            "warning",
            f"It overfits: its error on validation images is {fresh / max(known, 1e-12):.2f} times that on training "
            "images.",
            as_sentence(f"{mirror}use more images, a smaller latent, or corruption.kind=gaussian"),
            {"train_mse": known, "validation_mse": fresh},
        )
