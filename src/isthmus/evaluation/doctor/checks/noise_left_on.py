"""Is noise still added when the model is used?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import ALWAYS, Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check


class NoiseLeftOn(Check):
    """The corruption also acts in evaluation."""

    states = ALWAYS

    def look(self, measured: Measurements) -> Fault | None:
        corruption = measured.model.corruption
        if not corruption.at_inference:
            return None
        fresh = Remedy(
            "set {}, which draws fresh noise in training and adds none when the model is used",
            {"corruption.kind": "gaussian"},
        )
        return Fault("warning", corruption.inference_warning, [fresh])
