"""Scores a model on noisy test images, beside methods that need no training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from isthmus.core.pixels import Pixels
from isthmus.data.splits import Splits
from isthmus.evaluation.describe_measures import known_measures
from isthmus.evaluation.evaluate import summarise
from isthmus.evaluation.evenly import evenly
from isthmus.evaluation.measures.psnr import Psnr
from isthmus.evaluation.scoring import Scoring
from isthmus.evaluation.statistics.intervals import paired_difference
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.evaluation.statistics.sentences import comparison_sentence, scope_of
from isthmus.evaluation.untrained_denoisers import Untrained
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import BATCH, batched_array
from isthmus.models.collect_latents import blocks_of
from isthmus.models.corruptions.gaussian import GaussianNoise
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.models.seeding import sealed_generator
from isthmus.run_files.denoising import DenoisingRecord
from isthmus.run_files.scores import Score

_SCORED = 1 << 24  # pixel values of test images: 1,365 of 3x64x64, about two minutes for the slowest method
_TUNED = 1 << 19  # of validation images: 42 of 3x64x64
_FEWEST = 16  # images, however large


class _Noise:
    """Fresh Gaussian noise, the same whenever the same images come in the same order; rounded as in a file.

    std: on the [-1, 1] scale. purpose: one of `streams.SEALED`.
    """

    def __init__(self, model: Autoencoder, std: float, purpose: str) -> None:
        self._model = model
        self._generator = sealed_generator(purpose, device=model.device)
        self._add = GaussianNoise(model.image_shape, std=std)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        def noisy(pixels: Tensor) -> Tensor:
            return to_pixels(self._add(to_unit(pixels), self._generator), pixels.dtype)

        return batched_array(self._model, noisy, torch.from_numpy(images), in_order=BATCH)


def compare_denoisers(
    model: Autoencoder,
    name: str,
    splits: Splits,
    std: float,
    methods: Mapping[str, Untrained],
    *,
    done: Callable[[float], None] | None = None,
) -> DenoisingRecord:
    """Noise of `std` ([-1, 1] scale) on test images, and how near each method comes to the originals.

    Every method sees the same noisy images, the same in every run as `noisy_input` of evaluation.json where the recipe
    has this noise. Methods without training know the noise's strength, and their parameter is the best for it on
    validation images; the model knows neither. name: of the model, for the sentence. done: called now and then with the
    share of the work that is done.
    """
    tuning, settings = _some(splits.validation.images, _TUNED), dict[str, float]()
    noisy = _Noise(model, std, "corrupted validation images")(tuning)
    for kind, method in methods.items():
        tried = {value: _psnr(method(noisy, std / 2, value), tuning) for value in method.values}
        settings[kind] = max(tried, key=tried.__getitem__)
    rows = _rows(splits.test.images, _SCORED)
    scoring, add_noise = Scoring(), _Noise(model, std, "noisy test images")
    for block in blocks_of(model, splits.test.images):
        images = splits.test.images[block]
        noisy = add_noise(images)  # also those that are not scored, so that an image's noise never depends on these
        chosen = np.isin(np.arange(block.start, block.stop), rows, assume_unique=True)
        if not chosen.any():
            continue
        images, noisy = images[chosen], noisy[chosen]
        output = batched_array(model, model.reconstruct_pixels, torch.from_numpy(noisy))
        untrained = {kind: method(noisy, std / 2, settings[kind]) for kind, method in methods.items()}
        scoring.add({"noisy_input": noisy, "model": output, **untrained}, images)
        if done is not None:
            done(block.stop / len(splits.test))
    scores = scoring.scores()
    measures = {kind: one for kind, one in known_measures(model.depth).items() if kind in scores["model"]}
    values = math.prod(model.image_shape)
    best = max(methods, key=lambda kind: scores[kind]["psnr"].mean())
    difference = paired_difference(scores["model"]["psnr"][None], scores[best]["psnr"][None])
    against = f"{methods[best].name} (the best of {len(methods)} methods without training)"
    return DenoisingRecord(
        noise_std=std,
        images=len(rows),
        of=len(splits.test),
        measures=measures,
        scores={
            who: Score.model_validate(
                {
                    **{kind: summarise(measures[kind], each[None]) for kind, each in columns.items()},
                    "psnr_of_mean_mse": psnr_of_mean_mse(float(columns["mse"].mean()), values, depth=model.depth),
                }
            )
            for who, columns in scores.items()
        },
        settings=settings,
        tuned_on=len(tuning),
        best_untrained=best,
        against_best=difference.record(),
        sentence=comparison_sentence(name, against, difference, scope=scope_of(1, name)),
    )


def _rows(images: Pixels, values: int) -> np.ndarray:
    """The rows (n,) of images, evenly spread, that have about `values` pixel values together."""
    return evenly(len(images), max(_FEWEST, values // math.prod(images.shape[1:])))


def _some(images: Pixels, values: int) -> np.ndarray:
    return images[_rows(images, values)]


def _psnr(output: np.ndarray, originals: np.ndarray) -> float:
    return float(Psnr()(torch.from_numpy(output), torch.from_numpy(originals)).mean())
