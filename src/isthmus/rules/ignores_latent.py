"""Does the output depend on the latent?"""

from __future__ import annotations

from isthmus.diagnosis import Diagnosis, as_sentence
from isthmus.symptoms import Symptoms

_GROWTH = 1.1


class IgnoresLatent:
    """Decoding each other's latents raises the error of test images by less than a tenth."""

    def look(self, symptoms: Symptoms) -> Diagnosis | None:
        own, others = symptoms.mse["test"], symptoms.mse["shuffled"]
        if others >= _GROWTH * own:
            return None
        weight = symptoms.option("objective.weights.kl")
        lower = f"lower objective.weights.kl (it is {weight:g}), " if isinstance(weight, float) else ""
        return Diagnosis(
            "ignores_latent",
            "error",
            "Its decoder ignores the latent: with the latents of other images its error is "
            f"{others / own:.2f} times as large.",
            as_sentence(f"{lower}raise train.learning_rate tenfold, or train longer"),
            {"ratio": others / own},
        )
