"""Was it trained on mirror images although left and right differ?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, times
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_RATIO = 1.06  # of PCA's error with mirrored images to its error without
_FEW = 60  # images: with fewer, the ratio may be chance


class Mirrored(Check):
    """`train.mirror` is true, and PCA that was also fitted on mirrored images is worse on held-out images."""

    states = ("at_pca", "trained")

    def look(self, measured: Measurements) -> Fault | None:
        found = measured.mirroring
        if measured.option("train.mirror") is not True or found.images < _FEW or found.ratio < _RATIO:
            return None
        return Fault(
            "warning",
            "Half of its training images were mirrored, and so are about half of its samples, although left and right "
            "differ in these images: with mirrored images PCA's error on held-out images is "
            f"{times(found.ratio)} as large.",
            [Remedy("set {}", {"train.mirror": False})],
            {"ratio": found.ratio},
        )
