"""The measures of how unlike normal a picture is: each gives one error a picture, and a larger one is more unusual.

| measure | error |
|---|---|
| `mse` | mean squared error of the reconstruction, pixels in [0, 1] |
| `ssim` | 1 - SSIM of the reconstruction |
| `local` | the largest mean squared error of the reconstruction within a small window |
| `relative` | mean squared error over the picture's roughness: the mean squared difference of neighbouring pixels |
| `latent` | distance of the latent from those of training images |
| `elbo` | negative ELBO in nats, of variational models |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.evaluation.measures.mse import Mse
from isthmus.evaluation.measures.ssim import Ssim
from isthmus.inference.anomaly.latent_distance import LatentReference
from isthmus.inference.anomaly.local_errors import largest_local_errors
from isthmus.inference.anomaly.negative_elbo import negative_elbo
from isthmus.inference.anomaly.relative_errors import relative_errors
from isthmus.inference.anomaly.scored_model import ScoredModel
from isthmus.models.autoencoder import with_sane_numbers
from isthmus.models.batched import batched
from isthmus.models.structural_similarity import WINDOW

MEASURES = ("mse", "ssim", "local", "relative", "latent", "elbo")
UNITS = {
    "mse": "mean squared error, pixels 0-1",
    "ssim": "1 - SSIM",
    "local": "largest mean squared error within a window, pixels 0-1",
    "relative": "mean squared error over roughness",
    "latent": "mean square of the whitened latent, near 1 for training images",
    "elbo": "negative ELBO, nats",
}


@dataclass(frozen=True)
class Seen:
    """What became of a block of B pictures.

    errors: measure -> (B,) float64. output: (B, C, H, W) reconstructions, clamped and rounded.
    """

    errors: dict[str, np.ndarray]
    output: np.ndarray


def usable(scored: ScoredModel) -> tuple[str, ...]:
    """The measures that are defined for this model."""
    return tuple(measure for measure in MEASURES if not _problem(scored, measure))


def check_measure(scored: ScoredModel, measure: str) -> None:
    """Raise InputError where the measure is unknown, or not defined for this model."""
    others = ", ".join(usable(scored))
    if measure not in MEASURES:
        raise InputError(f"measure: {shown(measure)} is unknown; choose auto, or one of {others}")
    problem = _problem(scored, measure)
    if problem:
        raise InputError(f"measure: {measure!r} is not defined here, because {problem}; choose one of {others}")


def errors_of(
    scored: ScoredModel, pixels: np.ndarray, measures: Sequence[str], reference: LatentReference | None = None
) -> Seen:
    """pixels (B, C, H, W) -> their errors by each of `measures`, and their reconstructions; deterministic.

    reference: needed for the measure `latent`. Raises RunError where latents are not finite: the weights are damaged.
    """
    model = scored.model

    def answer(part: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        z = with_sane_numbers(model.encode_pixels(part))
        output = model.decode_to_pixels(z)
        found = {measure: _OF_PICTURES[measure](output, part) for measure in measures if measure in _OF_PICTURES}
        if "latent" in measures:
            found["latent"] = z.flatten(1)
        if "elbo" in measures:
            assert scored.distortion is not None  # else `elbo` is not usable
            found["elbo"] = negative_elbo(model, scored.distortion, part)
        return {measure: values.cpu() for measure, values in found.items()}, output.cpu()

    answers = batched(model, answer, torch.from_numpy(pixels))
    errors = {measure: torch.cat([found[measure] for found, _ in answers]).numpy() for measure in measures}
    if "latent" in errors:
        assert reference is not None
        errors["latent"] = reference.distances(errors["latent"])
    return Seen(errors, torch.cat([output for _, output in answers]).numpy())


_OF_PICTURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": Mse(),
    "ssim": lambda output, original: 1 - Ssim()(output, original),
    "local": largest_local_errors,
    "relative": relative_errors,
}


def _problem(scored: ScoredModel, measure: str) -> str:
    """Why a measure is not defined for this model; empty if it is."""
    if measure == "ssim" and min(scored.model.image_shape[1:]) < WINDOW:
        return f"pictures are smaller than the window of {WINDOW} pixels"
    if measure == "relative" and max(scored.model.image_shape[1:]) == 1:
        return "pictures of one pixel have no neighbouring pixels"
    if measure == "elbo" and scored.distortion is None:
        return "the model is not variational with a likelihood in nats"
    return ""
