"""Is it worse than the best linear autoencoder?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check


class BelowPca(Check):
    """The 95 % interval of the PSNR difference to PCA of the same latent size lies below zero."""

    states = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        over = measured.evaluation.against_pca.psnr
        # one that was chosen for corrupted images is not meant to copy others, as PCA does
        if over.high >= 0 or measured.option("train.monitor") == "corrupted-validation":
            return None
        best = f"the best linear autoencoder{' of squares' if measured.squares else ''}"
        return Fault(
            "warning",
            f"It loses to {measured.yardstick}, {best}.",
            measured.on_enough_images(_remedies(measured)),
            {"psnr": over.mean},
        )


def _remedies(measured: Measurements) -> list[Remedy]:
    longer = Remedy("train longer ({})", measured.longer())
    weight = measured.option("objective.weights.kl")
    if weight and not measured.likelihood:  # it accepts more error for a lower rate, so it would not stay at PCA
        return [
            Remedy(f"lower {{}} (it is {weight:g})", {"objective.weights.kl": weight / 4}),
            Remedy("set {}, which learns its variance", {"distortion.kind": "gaussian"}),
        ]
    if measured.option("objective.kind") == "masked":
        return [Remedy("judge it by the hidden patches, which it was trained to predict")]
    if measured.option("distortion.kind") not in ("mse", "gaussian", "logistic"):
        return [
            Remedy("set {}, which is what PCA minimises", {"distortion.kind": "mse"}),
            Remedy("judge it by the measure that it was trained on"),
        ]
    linear = "squares" if measured.squares else "pca"
    start = Remedy("set {}, which starts at PCA", {"model.linear": linear})
    starts = not weight and measured.model.bottleneck.supports_linear_start
    return [*([start] if starts else []), longer, Remedy("train a larger architecture")]
