"""Is it much better on the images that it was trained on?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, times
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_GROWTH = 1.2


class Overfits(Check):
    """The error of validation images is over a fifth larger than that of training images."""

    states = ("at_pca", "trained")

    def look(self, measured: Measurements) -> Fault | None:
        known, fresh = measured.mse["train"], measured.mse["validation"]
        if fresh <= _GROWTH * known:
            return None
        seen = f"error on validation images is {times(fresh / max(known, 1e-12))} that on training images."
        errors = {"train_mse": known, "validation_mse": fresh}
        if measured.state == "at_pca":  # training has no part in it
            sentence = f"It is PCA, and that many components know the training images by heart: its {seen}"
            return Fault("warning", sentence, [Remedy("use more images")], errors)
        remedies = [Remedy("use more images")]
        if measured.option("corruption.kind") == "none":
            remedies.append(Remedy("set {}, noise on training images", {"corruption.kind": "gaussian"}))
        if measured.mirroring.harmless and measured.option("train.mirror") is False:
            # longer, as half of what is shown is mirrored, and every image as it is half as often
            both = {"train.mirror": True, **measured.longer()}
            remedies.insert(0, Remedy("show every image mirrored as well ({})", both))
        return Fault("warning", f"It overfits: its {seen}", measured.on_enough_images(remedies), errors)
