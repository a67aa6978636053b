"""Does the data need so wide a bottleneck?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis
from isthmus.symptoms import Symptoms

_GROWTH = 1.01


class TooWide:
    """Half of the latent's principal directions, or fewer, give the error of all of them within one per cent."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        narrowed = symptoms.narrowed
        if not narrowed or "kl" in symptoms.model.bottleneck.penalties:
            return None
        size = max(narrowed)
        enough = min(kept for kept, error in narrowed.items() if error <= _GROWTH * narrowed[size])
        if enough > size // 2:
            return None
        growth = max(narrowed[enough] / narrowed[size] - 1, 0.0)
        return Diagnosis(
            "too_wide",
            "note",
            f"Its latent is wider than it needs: the {enough} widest of its {size} directions alone give an error "
            f"only {100 * growth:.1f} % larger.",
            f"Try bottleneck.dim={enough}; or give it more to say: train longer, or with a larger architecture.",
            {"enough": enough, "of": size},
        )
