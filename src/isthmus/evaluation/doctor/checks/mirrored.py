"""Was it trained on mirror images of things that have a left and a right?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, times
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_RATIO = 1.06  # of PCA's error with mirrored images to that without
_FEW = 60  # images: with fewer, chance does as much


class Mirrored(Check):
    """`train.mirror` is true, and PCA fitted on mirrored images too explains other images worse."""

    states = ("at_pca", "trained")

    def look(self, measured: Measurements) -> Fault | None:
        found = measured.mirroring
        if measured.option("train.mirror") is not True or found.images < _FEW or found.ratio < _RATIO:
            return None
        return Fault(
            "warning",
            "Half of its training images were mirrored, and these images have a left and a right: so are its samples, "
            f"and with mirrored images PCA's error of other images is {times(found.ratio)} as large.",
            [Remedy("set {}", {"train.mirror": False})],
            {"ratio": found.ratio},
        )
