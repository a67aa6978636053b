"""Is it much better on its training images than on others?"""

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
        seen = f"error on validation images is {times(fresh / max(known, 1e-12))} its error on training images."
        errors = {"train_mse": known, "validation_mse": fresh}
        if measured.state == "at_pca":  # training did not cause it
            sentence = f"It is PCA, and with this many components PCA memorises the training images: its {seen}"
            return Fault("warning", sentence, [Remedy("use more images")], errors)
        remedies = [Remedy("use more images")]
        if measured.option("corruption.kind") == "none":
            remedies.append(Remedy("set {}, which adds noise to training images", {"corruption.kind": "gaussian"}))
        if measured.mirroring.harmless and measured.option("train.mirror") is False:
            # twice as long, because every image is then shown unmirrored half as often
            both = {"train.mirror": True, **measured.longer()}
            remedies.insert(0, Remedy("also train on mirrored images ({})", both))
        return Fault("warning", f"It overfits: its {seen}", measured.on_enough_images(remedies), errors)
