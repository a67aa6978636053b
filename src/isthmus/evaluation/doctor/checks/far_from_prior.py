"""Do draws from the prior look like latents?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_NATS = 0.5


class FarFromPrior(Check):
    """All latents together are over 0.5 nats per number away from the prior, both taken as Gaussians."""

    states = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        found = measured.from_prior
        if found is None or found <= _NATS:
            return None
        pulled = measured.option("regularizer.weight") is not None and measured.option("objective.weights.kl") is None
        closer = "regularizer.weight" if pulled else "objective.weights.kl"
        weight = measured.option(closer)
        remedies = [Remedy("sample with --sampler mixture")]
        if weight:
            remedies.append(Remedy(f"raise {{}} (it is {weight:g})", {closer: 10 * weight}))
        return Fault(
            "warning",
            f"Its latents are {found:.2f} nats per number away from the prior, so draws from it decode to bad images.",
            [*remedies, Remedy("train longer ({})", measured.longer())],
            {"nats_per_number": found},
        )
