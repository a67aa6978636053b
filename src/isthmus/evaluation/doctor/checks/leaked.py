"""Are test images copies of training images?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import ALWAYS, Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_SHARE = 0.02


class Leaked(Check):
    """Two per cent of the test images or more are nearly identical to a training image, such as its JPEG copy."""

    states = ALWAYS

    def look(self, measured: Measurements) -> Fault | None:
        if measured.twins < _SHARE:
            return None
        return Fault(
            "error",
            f"{100 * measured.twins:.0f} % of the test images that were compared are copies of training images, so "
            "its scores also measure what it memorised.",
            [Remedy("remove the copies from the training or the test images")],
            {"share": measured.twins},
        )
