"""Are test images copies of training images?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import ALWAYS, Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_SHARE = 0.02


class Leaked(Check):
    """Two per cent of the test images or more are all but equal to a training image, as after saving one as JPEG."""

    states = ALWAYS

    def look(self, measured: Measurements) -> Fault | None:
        if measured.twins < _SHARE:
            return None
        return Fault(
            "error",
            f"{100 * measured.twins:.0f} % of the test images looked at are copies of training images, so its scores "
            "say what it remembers.",
            [Remedy("remove the copies from either side")],
            {"share": measured.twins},
        )
