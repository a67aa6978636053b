"""Is it worse than the best linear autoencoder?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis, as_sentence
from isthmus.symptoms import Symptoms


class BelowPca:
    """The 95 % interval of PSNR against PCA with as many numbers lies below zero."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        against = symptoms.summary["against_pca"]
        if against["psnr"]["high"] >= 0:
            return None
        size = symptoms.summary["scores"]["pca"]["components"]
        return Diagnosis(
            "below_pca",
            "warning",
            f"It loses to PCA with {size} components, the best linear autoencoder.",
            as_sentence(_remedy(symptoms)),
            {"psnr": against["psnr"]["mean"]},
        )


def _remedy(symptoms: Symptoms) -> str:
    weight = symptoms.option("objective.weights.kl")
    if weight and not symptoms.likelihood:  # it pays error for rate, and would leave PCA for that
        return (
            f"lower objective.weights.kl (it is {weight:g}), or set distortion.kind=gaussian, which learns its variance"
        )
    if symptoms.option("objective.kind") == "masked":
        return "judge it by what it makes of hidden patches, which it learned; or set objective.kind=weighted"
    if symptoms.option("distortion.kind") not in ("mse", "gaussian", "logistic"):
        return "set distortion.kind=mse, which is what PCA goes by, or judge it by the measure that it was trained for"
    starts = hasattr(symptoms.model.bottleneck, "start_beside_linear") and symptoms.model.linear is None
    start = "" if weight or not starts else "set model.linear=pca, which starts at PCA and can only gain, or "
    return f"{start}train longer, or with a larger architecture"
