"""Is noise still added when the model is used?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis
from isthmus.symptoms import Symptoms


class NoiseLeftOn:
    """The corruption also acts in evaluation."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        corruption = symptoms.model.corruption
        if not corruption.at_inference:
            return None
        plain = "Its corruption also acts when the model is used: every image it is given is changed first."
        return Diagnosis(
            "noise_left_on",
            "warning",
            getattr(corruption, "flag", plain),
            "Set corruption.kind=gaussian, which draws fresh noise in training and rests when the model is used.",
        )
