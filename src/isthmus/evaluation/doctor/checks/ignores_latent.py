"""Does the output depend on the latent?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, times
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_GROWTH = 1.1
_USUAL = 1e-3  # a learning rate below which ten times as much is no risk
_HIGH = 5e-3  # a learning rate above which networks can break


class IgnoresLatent(Check):
    """Decoding from other images' latents raises the error of validation images by less than a tenth."""

    states = ("trained",)

    def look(self, measured: Measurements) -> Fault | None:
        own, others = measured.mse["validation"], measured.mse["shuffled"]
        if others >= _GROWTH * own:
            return None
        weight, rate = measured.option("objective.weights.kl"), measured.recipe.train.learning_rate
        remedies: list[Remedy] = []
        if weight:
            remedies.append(Remedy(f"lower {{}} (it is {weight:g})", {"objective.weights.kl": weight / 10}))
        if rate < _USUAL:
            remedies.append(Remedy("raise {}", {"train.learning_rate": min(10 * rate, _USUAL)}))
        if rate > _HIGH:
            remedies.append(Remedy("lower {}", {"train.learning_rate": _USUAL}))
        return Fault(
            "error",
            "Its decoder ignores the latent: with the latents of other images its error is "
            f"{times(others / max(own, 1e-12))} as large.",
            measured.on_enough_images([*remedies, Remedy("train longer ({})", measured.longer(4))]),
            {"ratio": others / max(own, 1e-12)},
        )
