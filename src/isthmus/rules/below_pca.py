"""Is it worse than the best linear autoencoder?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis, as_sentence
from isthmus.symptoms import Symptoms


class BelowPca:
    """The 95 % interval of PSNR against PCA with as many numbers lies below zero, and the bottleneck has no rate."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        against = symptoms.summary["against_pca"]
        if against["psnr"]["high"] >= 0:
            return None
        size = symptoms.summary["scores"]["pca"]["components"]
        bottleneck = symptoms.model.bottleneck
        start = "set model.linear=pca, which starts at PCA and can only gain, or "
        possible = hasattr(bottleneck, "start_beside_linear") and symptoms.model.linear is None
        return Diagnosis(
            "below_pca",
            "warning",
            f"It loses to PCA with {size} components, the best linear autoencoder.",
            as_sentence(f"{start if possible else ''}train longer, or with a larger architecture"),
            {"psnr": against["psnr"]["mean"]},
        )
