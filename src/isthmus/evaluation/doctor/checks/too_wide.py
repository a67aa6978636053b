"""Does the data need so wide a bottleneck?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, State
from isthmus.evaluation.doctor.measurements import Measurements

_GROWTH = 1.01


class TooWide:
    """Half of the latent's principal directions, or fewer, give the error of all of them within one per cent.

    Of a model that loses to PCA nothing follows from that: it may not have learned to use the others yet.
    """

    states: tuple[State, ...] = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        narrowed = measured.narrowed
        if not narrowed or "kl" in measured.model.bottleneck.penalties:
            return None
        against = measured.evaluation.against_pca
        pca_mse = against.validation.pca_mse
        if against.psnr.low <= 0 or pca_mse is None or measured.mse["validation"] >= pca_mse:
            return None  # on validation images too: the test images may be of another kind
        size = max(narrowed)
        enough = min(kept for kept, error in narrowed.items() if error <= _GROWTH * narrowed[size])
        if enough > size // 2:
            return None
        takes = measured.takes("bottleneck.dim") and enough >= (measured.option("bottleneck.k") or 1)
        narrower = [Remedy("try {}", {"bottleneck.dim": enough})] if takes else []
        growth = max(narrowed[enough] / narrowed[size] - 1, 0.0)
        return Fault(
            "note",
            f"Its latent is wider than it needs: the {enough} widest of its {size} directions alone give an error "
            f"only {100 * growth:.1f} % larger.",
            [*narrower, Remedy("give it more to say: train longer, or with a larger architecture")],
            {"enough": enough, "of": size},
        )
