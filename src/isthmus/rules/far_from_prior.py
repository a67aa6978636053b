"""Do draws from the prior look like latents?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis
from isthmus.symptoms import Symptoms

_NATS = 0.5


class FarFromPrior:
    """All latents together are over 0.5 nats per number away from the prior, both taken as Gaussians."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        found = symptoms.from_prior
        if found is None or found <= _NATS:
            return None
        pulled = symptoms.option("regularizer.weight") is not None and symptoms.option("objective.weights.kl") is None
        closer = "regularizer.weight" if pulled else "objective.weights.kl"
        return Diagnosis(
            "far_from_prior",
            "warning",
            f"Its latents are {found:.2f} nats per number away from the prior, so draws from that are decoded badly.",
            f"Sample with --sampler mixture, raise {closer}, or train longer.",
            {"nats_per_number": found},
        )
