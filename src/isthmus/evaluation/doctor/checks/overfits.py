"""Is it much better on its training images than on others?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, times
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_GROWTH = 1.2
_RISE = 1.05  # of the last error over the lowest one


class Overfits(Check):
    """The error of validation images is over a fifth larger than that of training images.

    Of a model that is to remove noise, both are errors of its outputs for noisy images, and that of validation images
    must also have risen in training. These errors depend on how much detail there is: after four epochs on six
    photographs, each better than the one before, that of a seventh was 1.6 times theirs.
    """

    states = ("at_pca", "trained")

    def look(self, measured: Measurements) -> Fault | None:
        noisy = "noisy " if "noisy validation" in measured.mse else ""
        known, fresh = measured.mse[f"{noisy}train"], measured.mse[f"{noisy}validation"]
        if fresh <= _GROWTH * known or (noisy and not _rose(measured)):
            return None
        ratio = times(fresh / max(known, 1e-12))
        seen = f"error on {noisy}validation images is {ratio} its error on {noisy}training images."
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


def _rose(measured: Measurements) -> bool:
    """Whether the error on validation images rose in the training of a model that left its start."""
    errors = measured.training.validation
    return measured.state == "trained" and len(errors) > 1 and errors[-1] > _RISE * min(errors)
