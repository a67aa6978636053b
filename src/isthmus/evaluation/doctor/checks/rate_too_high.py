"""Did the error rise during training?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy, times
from isthmus.evaluation.doctor.learning_curve import jumps, rises
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check

_BY, _SHARE = 0.1, 0.2
_RISE = 2.0
_HIGH = 5e-3  # a rate above which we blame it if the network gives the same output for all images
_SAME = 1.1  # of the error with other images' latents


class RateTooHigh(Check):
    """The error doubled at some point, or rose by a tenth in a fifth of the late steps.

    Or the output no longer depends on the image, at a rate over 0.005. For a model that started at PCA and still is
    PCA: training raised the error to twice PCA's.
    """

    states = ("at_pca", "trained")

    def look(self, measured: Measurements) -> Fault | None:
        if measured.option("objective.warmup_steps"):  # the growing weights of the objective raise the error
            return None
        train, validation = measured.recipe.train, measured.training.validation
        rise, share = rises(measured.curve) or 0.0, jumps(measured.curve, _BY) or 0.0
        harm = max(validation) / max(validation[0], 1e-12) if measured.state == "at_pca" and validation else 0.0
        broken = train.learning_rate > _HIGH and measured.mse["shuffled"] < _SAME * measured.mse["validation"]
        if broken:
            seen = f"at {train.learning_rate:g}, its network ended up giving the same output for every image"
        elif harm >= _RISE:
            seen = f"training raised its error on validation images to {times(harm, 1)} PCA's error"
        elif rise >= _RISE:
            seen = f"its error rose to {times(rise, 1)} the lowest error until then"
        elif share >= _SHARE:
            seen = f"late in training it rose by over {100 * _BY:.0f} % in {100 * share:.0f} % of the logged steps"
        else:
            return None
        remedies = [
            Remedy("try {}", {"train.learning_rate": 1e-3 if broken else train.learning_rate / (10 if harm else 3)})
        ]
        if train.clip_norm is None or train.clip_norm > 1:
            remedies.append(Remedy("set {}", {"train.clip_norm": 1.0}))
        return Fault(
            "warning",
            f"Its learning rate looks too high: {seen}.",
            remedies,
            {"rise": max(rise, harm), "share": share},
        )
