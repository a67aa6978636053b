"""The evaluator: the same for every family, and the only code that scores test images.

Outputs are clamped and rounded to 8 bits and compared with the 8-bit original, image by image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isthmus.core.streams import sealed
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines import mean_image, pca
from isthmus.evaluation.baselines.pca_comparison import mse_ratio
from isthmus.evaluation.cost import cost
from isthmus.evaluation.describe_measures import known_measures
from isthmus.evaluation.latents.measure_latents import Encoded, encode_training, measure_latents
from isthmus.evaluation.scoring import score_all
from isthmus.evaluation.statistics.intervals import mean_interval, paired_difference
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import BATCH, batched_array
from isthmus.models.collect_latents import collect_with_outputs
from isthmus.models.interfaces import Objective
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.models.sampling import choose_sampler, sample_images
from isthmus.models.seeding import sealed_generator
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.evaluation import AgainstPca, Course, EvaluationRecord, Samples
from isthmus.run_files.scores import IntervalRecord, MeasureRecord, Score

SHOWN, EXTREMES, SAMPLES = 15, 8, 30
_NOISE = "noisy test images"  # the same for every run


@dataclass(frozen=True)
class Evaluation:
    """The results, one column per score, and pixels for the pages.

    record: evaluation.json without what only the run folder knows: `data`, `checkpoint`, `doctor`, the cost of
    training and its course relative to PCA.
    train, test: some training images and the test images, with their latents.
    left_out: a sentence for each measure of another package that failed, and so is not in the record.
    """

    record: EvaluationRecord
    per_image: dict[str, np.ndarray]
    pictures: dict[str, np.ndarray]
    train: Encoded
    test: Encoded
    left_out: tuple[str, ...] = ()


@dataclass
class _Scored:
    """The 8-bit output of one method (model or baseline) for the test images, and its scores, each (N,)."""

    output: np.ndarray
    scores: dict[str, np.ndarray]

    def record(self, measures: Mapping[str, MeasureRecord], **extra: int) -> Score:
        means = {name: summarise(measures[name], values[None]) for name, values in self.scores.items()}
        mean_mse = psnr_of_mean_mse(float(self.scores["mse"].mean()), math.prod(self.output.shape[1:]))
        return Score.model_validate({**means, "psnr_of_mean_mse": mean_mse, **extra})


def evaluate(
    model: Autoencoder, recipe: Recipe, splits: Splits, cache: Path, objective: Objective | None = None
) -> Evaluation:
    """Score the model and its baselines on the test images of `splits`, and PCA also on the validation images.

    cache: a folder for fitted baselines, which depend only on the training images. objective: the objective of the
    model's training, for the likelihood that it learned.
    """
    originals = splits.test.images
    size = model.yardstick_size
    components = pca.fit_for(size, splits.train.images, splits.hash, cache)
    constant = mean_image.fit(splits.train.images)

    latents, output = collect_with_outputs(model, originals)
    coordinates = components.encode(originals, size)
    outputs = {
        "model": output,
        "pca": components.decode(coordinates, originals.shape[1:]),
        "mean_image": constant.reconstruct(originals),
    }
    noise = _add_noise(model, recipe, originals, outputs)
    scores, left_out = score_all(outputs, originals)
    scored = {who: _Scored(outputs[who], each) for who, each in scores.items()}

    train, test = encode_training(model, splits), Encoded(splits.test, latents)
    pca_latents = components.encode(train.images.images, size), coordinates
    distortion = None if objective is None else objective.distortion
    latent = measure_latents(model, distortion, train, test, pca_latents=pca_latents)
    sampler = choose_sampler(model, "auto")
    samples = sample_images(model, train.latents, SAMPLES, sampler=sampler)

    psnr = scored["model"].scores["psnr"]
    order = np.argsort(-psnr, kind="stable")
    chosen = {"best": order[:EXTREMES], "worst": order[::-1][:EXTREMES]}
    count = min(SHOWN, len(originals))
    chosen["shown"] = np.sort(np.random.default_rng(sealed("shown test images")).permutation(len(originals))[:count])
    against_pca = paired_difference(psnr[None], scored["pca"].scores["psnr"][None])
    measures = {kind: one for kind, one in known_measures().items() if kind in scored["model"].scores}
    used = {"pca": {"components": min(size, len(components.directions))}}
    record = EvaluationRecord(
        name=recipe.name,
        seed=recipe.seed,
        latent_size=size,
        measures=measures,
        scores={who: one.record(measures, **used.get(who, {})) for who, one in scored.items()},
        against_pca=AgainstPca(
            psnr=against_pca.record(),
            mse_ratio=mse_ratio(*(float(scored[who].scores["mse"].mean()) for who in ("model", "pca"))),
            validation=Course(pca_mse=pca.curve(components, splits.validation.images, [size])[0].mse),
        ),
        latent=latent,
        samples=Samples(sampler=sampler, count=SAMPLES),
        pca_curve=pca.curve(components, originals, _sizes(size, len(components.directions))),
        cost=cost(model),
        flags=_flags(recipe),
        best=tuple(chosen["best"].tolist()),
        worst=tuple(chosen["worst"].tolist()),
        shown=tuple(chosen["shown"].tolist()),
    )
    if noise is not None:
        record = record.model_copy(update={"noise": noise})
    pictures = {**_pictures(originals, scored, chosen), "samples": samples}
    return Evaluation(record, _columns(splits, scored), pictures, train, test, left_out)


def summarise(measure: MeasureRecord, scores: np.ndarray) -> IntervalRecord:
    """Mean and interval of scores (S, N), or why they are undefined, for example SSIM on tiny images."""
    if np.isnan(scores).any():
        return IntervalRecord(mean=math.nan, low=math.nan, high=math.nan, undefined=measure.undefined)
    least = -math.inf if measure.least is None else measure.least
    most = math.inf if measure.most is None else measure.most
    return mean_interval(scores, least=least, most=most).record()


def _add_noise(model: Autoencoder, recipe: Recipe, originals: np.ndarray, outputs: dict[str, np.ndarray]) -> str | None:
    """Add to `outputs` the noisy image itself and, if noise is added in training only, the model's output for it.

    The noisy image is rounded to 8 bits, like a user's image. Returns a line that names the noise.
    """
    if recipe.corruption.kind == "none":
        return None
    generator = sealed_generator(_NOISE, device=model.device)
    corrupt = partial(_corrupted, model, generator=generator)
    noisy = batched_array(model, corrupt, torch.from_numpy(originals), in_order=BATCH)
    outputs["noisy_input"] = noisy
    options = ", ".join(f"{name} {value}" for name, value in recipe.corruption.options.items())
    line = f"{recipe.corruption.kind}, {options} on the [-1, 1] scale"
    if model.corruption.at_inference:  # the model adds its own
        return line
    function = model.reconstruct_pixels
    if model.corruption.hides:  # hides the same patches again, and keeps the visible pixels
        generator.manual_seed(sealed(_NOISE))
        function = partial(model.fill_in, generator=generator)
        noisy = originals
    outputs["denoised"] = batched_array(model, function, torch.from_numpy(noisy), in_order=BATCH)
    return f"{line}, evaluation seed {sealed(_NOISE)}"


def _corrupted(model: Autoencoder, pixels: Tensor, generator: torch.Generator) -> Tensor:
    return to_pixels(model.corruption(to_unit(pixels), generator), pixels.dtype)


def _sizes(size: int, available: int) -> list[int]:
    return sorted({k for k in [*(2**power for power in range(14)), 10, size] if k <= available})


def _flags(recipe: Recipe) -> tuple[str, ...]:
    if recipe.train.monitor == "training":
        return ("Its weights were chosen and its training stopped on the training loss, not on validation.",)
    return ()


def _columns(splits: Splits, scored: dict[str, _Scored]) -> dict[str, np.ndarray]:
    columns = {"index": np.arange(len(splits.test))}
    if splits.test.labels is not None:
        columns["label"] = splits.test.labels
    for who, one in scored.items():
        columns |= {f"{who}_{measure}": values for measure, values in one.scores.items()}
    return columns


def _pictures(
    originals: np.ndarray, scored: dict[str, _Scored], chosen: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    pictures = {f"{name}/original": originals[index] for name, index in chosen.items()}
    pictures |= {f"{name}/output": scored["model"].output[index] for name, index in chosen.items()}
    for who, name in (("pca", "pca"), ("noisy_input", "noisy"), ("denoised", "denoised")):
        if who in scored:
            pictures[f"shown/{name}"] = scored[who].output[chosen["shown"]]
    return pictures
