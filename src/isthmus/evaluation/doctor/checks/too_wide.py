"""Is the bottleneck wider than the model needs?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_GROWTH = 1.01


class TooWide(Check):
    """At most half of the latent's principal directions give the error of all of them within one per cent.

    Models that lose to PCA are not checked: they may not have learned to use the other directions yet.
    """

    states = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        narrowed = measured.narrowed
        if not narrowed or "kl" in measured.model.bottleneck.penalties:
            return None
        against = measured.evaluation.against_pca
        pca_mse = against.validation.pca_mse
        if against.psnr.low <= 0 or pca_mse is None or measured.mse["validation"] >= pca_mse:
            return None  # also on validation images, because the test images may be of another kind
        size = max(narrowed)
        enough = min(kept for kept, error in narrowed.items() if error <= _GROWTH * narrowed[size])
        if enough > size // 2:
            return None
        takes = measured.has_option("bottleneck.dim") and enough >= (measured.option("bottleneck.k") or 1)
        narrower = [Remedy("try {}", {"bottleneck.dim": enough})] if takes else []
        growth = max(narrowed[enough] / narrowed[size] - 1, 0.0)
        return Fault(
            "note",
            f"Its latent is wider than it needs: the {enough} widest of its {size} directions alone give an error "
            f"only {100 * growth:.1f} % larger.",
            [*narrower, Remedy("let it use its latent: train longer, or with a larger architecture")],
            {"enough": enough, "of": size},
        )
