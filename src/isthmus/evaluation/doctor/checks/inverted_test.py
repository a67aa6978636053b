"""Are dark and bright exchanged in the test images?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import ALWAYS, Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.doctor.pixels import NARROW, inverted
from isthmus.evaluation.interfaces import Check

_WORSE, _BETTER = 1.5, 0.8


class InvertedTest(Check):
    """The negatives of the test images are like the training images, and the test images are not.

    Judged by pixel values, or by the model: it is worse on test than on validation images, and better on negatives.
    """

    states = ALWAYS

    def look(self, measured: Measurements) -> Fault | None:
        if not measured.own_test:
            return None
        own, turned = measured.mse["test"], measured.mse["negatives"]
        train, validation, test = (measured.pixels[name] for name in ("train", "validation", "test"))
        if test.high - test.low < NARROW:
            return None  # `input_range` reports it
        # brighter images with even shades have values like negatives; a trained model tells them apart
        by_values = inverted(train, validation, test) and (turned < own or measured.state == "untrained")
        by_error = own > _WORSE * measured.mse["validation"] and turned < _BETTER * own
        if not (by_values or (by_error and measured.state == "trained")):
            return None
        return Fault(
            "warning",
            "The test images look inverted: their negatives are more like the images that it was trained on.",
            [Remedy("look at both with `isthmus data KIND --sheet images.png`, and invert one of the two")],
            {"mse": own, "mse_of_negatives": turned},
        )
