"""Is it worse than the best linear autoencoder?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, State
from isthmus.evaluation.doctor.measurements import Measurements


class BelowPca:
    """The 95 % interval of PSNR against PCA with as many numbers lies below zero."""

    states: tuple[State, ...] = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        over = measured.evaluation.against_pca.psnr
        if over.high >= 0:
            return None
        return Fault(
            "warning",
            f"It loses to PCA with {measured.components}, the best linear autoencoder.",
            measured.on_enough_images(_remedies(measured)),
            {"psnr": over.mean},
        )


def _remedies(measured: Measurements) -> list[Remedy]:
    longer = Remedy("train longer ({})", measured.longer())
    weight = measured.option("objective.weights.kl")
    if weight and not measured.likelihood:  # it pays error for rate, and would leave PCA for that
        return [
            Remedy(f"lower {{}} (it is {weight:g})", {"objective.weights.kl": weight / 4}),
            Remedy("set {}, which learns its variance", {"distortion.kind": "gaussian"}),
        ]
    if measured.option("objective.kind") == "masked":
        return [Remedy("judge it by what it makes of hidden patches, which it learned")]
    if measured.option("distortion.kind") not in ("mse", "gaussian", "logistic"):
        return [
            Remedy("set {}, which is what PCA goes by", {"distortion.kind": "mse"}),
            Remedy("judge it by the measure that it was trained for"),
        ]
    start = Remedy("set {}, which starts at PCA", {"model.linear": "pca"})
    starts = not weight and hasattr(measured.model.bottleneck, "start_beside_linear")
    return [*([start] if starts else []), longer, Remedy("train a larger architecture")]
