"""Are the images what an autoencoder of 8-bit images expects?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis
from isthmus.symptoms import Symptoms

_NARROW = 64


class InputRange:
    """The training images use under a quarter of the values 0 to 255, or test images are of another brightness."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        train, test = symptoms.pixels["train"], symptoms.pixels["test"]
        if train.high - train.low < _NARROW:
            return Diagnosis(
                "input_range",
                "error",
                f"Its training images hold only the values {train.low} to {train.high} of 0 to 255.",
                "Look at them with `isthmus data KIND --sheet images.png`, and scale them to 0 to 255 before saving.",
                {"low": train.low, "high": train.high},
            )
        if abs(test.mean - train.mean) <= max(train.spread, 1.0):
            return None
        brighter = "brighter" if test.mean > train.mean else "darker"
        return Diagnosis(
            "input_range",
            "error",
            f"The test images are {brighter} than those it was trained on: {test.mean:.0f} on average, not "
            f"{train.mean:.0f}.",
            "See that both are of one kind and scaled alike.",
            {"train": train.mean, "test": test.mean},
        )
