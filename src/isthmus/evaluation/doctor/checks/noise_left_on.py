"""Is noise still added when the model is used?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import ALWAYS, Fault, Remedy, State
from isthmus.evaluation.doctor.measurements import Measurements


class NoiseLeftOn:
    """The corruption also acts in evaluation."""

    states: tuple[State, ...] = ALWAYS

    def look(self, measured: Measurements) -> Fault | None:
        corruption = measured.model.corruption
        if not corruption.at_inference:
            return None
        plain = "Its corruption also acts when the model is used: every image it is given is changed first."
        fresh = Remedy(
            "set {}, which draws fresh noise in training and adds none when the model is used",
            {"corruption.kind": "gaussian"},
        )
        return Fault("warning", getattr(corruption, "flag", plain), [fresh])
