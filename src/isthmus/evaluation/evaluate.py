"""The evaluator: the same for every family, and the only code that scores test images.

Outputs are clamped and rounded to the images' depth, 8 or 16 bits, and compared with the original, image by image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.pixels import Pixels, Rows
from isthmus.core.streams import sealed
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines import mean_image
from isthmus.evaluation.baselines.mean_image import MeanImage
from isthmus.evaluation.baselines.pca_comparison import mse_ratio
from isthmus.evaluation.baselines.yardstick import Yardstick, yardstick_of
from isthmus.evaluation.cost import cost
from isthmus.evaluation.describe_measures import known_measures
from isthmus.evaluation.evenly import evenly
from isthmus.evaluation.kept_pictures import KeptPictures
from isthmus.evaluation.latents.measure_latents import Encoded, encode_training, measure_latents
from isthmus.evaluation.methods import Methods
from isthmus.evaluation.scoring import Scoring
from isthmus.evaluation.statistics.explained_variance import explained_variance
from isthmus.evaluation.statistics.intervals import mean_interval, paired_difference
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import Collected, blocks_of
from isthmus.models.interfaces import Objective
from isthmus.models.sampling import choose_sampler, sample_images
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.evaluation import AgainstPca, Course, EvaluationRecord, PcaPoint, Samples
from isthmus.run_files.scores import IntervalRecord, MeasureRecord, Score

SHOWN, EXTREMES, SAMPLES = 15, 8, 30
_FEW = 10  # test images
_LATENT_VALUES = 1 << 25  # of test images that are kept, 128 MB: 100,000 images with 335 numbers each
_CURVE_VALUES = 1 << 29  # pixel values that a PCA curve is measured on: 10,000 images of 3x128x128


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


@dataclass(frozen=True)
class _Seen:
    """What is left when all test images have gone by: scores by method and measure, (N,) each, and pictures.

    rows: (n,) the images whose latents and PCA's coordinates are kept.
    """

    scores: dict[str, dict[str, np.ndarray]]
    left_out: tuple[str, ...]
    kept: KeptPictures
    rows: np.ndarray
    latents: Collected
    coordinates: np.ndarray
    noise: str | None


def evaluate(
    model: Autoencoder, recipe: Recipe, splits: Splits, cache: Path, objective: Objective | None = None
) -> Evaluation:
    """Score the model and its baselines on the test images of `splits`, and PCA also on the validation images.

    Test images are read block by block, and only scores, latents and the few pictures that pages show are kept.
    cache: a folder for fitted baselines, which depend only on the training images. objective: the objective of the
    model's training, for the likelihood that it learned.
    """
    originals = splits.test.images
    yardstick = yardstick_of(model, splits.train.images, splits.hash, cache)
    constant = mean_image.fit(splits.train.images)
    seen = _go_through(model, recipe, originals, yardstick, constant)
    everything = len(seen.rows) == len(originals)

    train = encode_training(model, splits)
    test = Encoded(splits.test if everything else splits.test.take(seen.rows), seen.latents)
    pca_latents = yardstick.encode(train.images.images), seen.coordinates
    distortion = None if objective is None else objective.distortion
    latent = measure_latents(model, distortion, train, test, pca_latents=pca_latents)
    if not everything:
        latent = latent.model_copy(update={"images": len(seen.rows)})
    sampler = choose_sampler(model, "auto")
    samples = sample_images(model, train.latents, SAMPLES, sampler=sampler)

    psnr = seen.scores["model"]["psnr"]
    measures = {kind: one for kind, one in known_measures(model.depth).items() if kind in seen.scores["model"]}
    used = {"pca": {"components": yardstick.size} | ({"square": yardstick.square} if yardstick.square else {})}
    values = math.prod(originals.shape[1:])
    curve, curve_images = _pca_curve(yardstick, originals)
    mean_mse = {who: float(each["mse"].mean()) for who, each in seen.scores.items()}
    record = EvaluationRecord(
        name=recipe.name,
        seed=recipe.seed,
        latent_size=model.yardstick_size,
        measures=measures,
        scores={
            who: _score(measures, each, values, model.depth, **used.get(who, {})) for who, each in seen.scores.items()
        },
        against_pca=AgainstPca(
            psnr=paired_difference(psnr[None], seen.scores["pca"]["psnr"][None]).record(),
            mse_ratio=mse_ratio(mean_mse["model"], mean_mse["pca"]),
            validation=Course(pca_mse=yardstick.curve(splits.validation.images, [yardstick.size])[0].mse),
        ),
        explained_variance=explained_variance(mean_mse["model"], mean_mse["mean_image"]),
        latent=latent,
        samples=Samples(sampler=sampler, count=SAMPLES),
        pca_curve=curve,
        cost=cost(model),
        chosen_on=recipe.train.monitor,
        flags=_flags(recipe, splits, model.depth),
        best=tuple(seen.kept.best.index.tolist()),
        worst=tuple(seen.kept.worst.index.tolist()),
        shown=tuple(seen.kept.shown.tolist()),
    )
    if seen.noise is not None:
        record = record.model_copy(update={"noise": seen.noise})
    if "denoised" in seen.scores:
        noisy, denoised = (seen.scores[who]["psnr"][None] for who in ("noisy_input", "denoised"))
        record = record.model_copy(update={"against_noisy": paired_difference(denoised, noisy).record()})
    if curve_images < len(originals):
        record = record.model_copy(update={"pca_curve_images": curve_images})
    pictures = {**seen.kept.pictures(), "samples": samples}
    return Evaluation(record, _columns(splits, seen.scores), pictures, train, test, seen.left_out)


def _go_through(
    model: Autoencoder, recipe: Recipe, originals: Pixels, yardstick: Yardstick, constant: MeanImage
) -> _Seen:
    """Every method's outputs for every test image, scored and forgotten."""
    count = len(originals)
    shown = np.sort(np.random.default_rng(sealed("shown test images")).permutation(count)[: min(SHOWN, count)])
    rows = evenly(count, max(1, _LATENT_VALUES // model.latent_size))
    methods = Methods(model, recipe, yardstick, constant, np.isin(np.arange(count), rows, assume_unique=True))
    kept, scoring = KeptPictures(shown, EXTREMES), Scoring()
    for block in blocks_of(model, originals):
        images = originals[block]
        outputs = methods.outputs(images)
        kept.see(images, outputs, scoring.add(outputs, images)["model"]["psnr"])
    return _Seen(
        scoring.scores(),
        tuple(scoring.left_out),
        kept,
        rows,
        methods.latents(),
        methods.coordinates(),
        methods.description,
    )


def _score(
    measures: Mapping[str, MeasureRecord], scores: Mapping[str, np.ndarray], values: int, depth: int, **extra: int
) -> Score:
    """Means and intervals of scores (N,) by measure, of images of `values` pixel values."""
    means = {name: summarise(measures[name], each[None]) for name, each in scores.items()}
    mean_mse = psnr_of_mean_mse(float(scores["mse"].mean()), values, depth=depth)
    return Score.model_validate({**means, "psnr_of_mean_mse": mean_mse, **extra})


def summarise(measure: MeasureRecord, scores: np.ndarray) -> IntervalRecord:
    """Mean and interval of scores (S, N), or why they are undefined, for example SSIM on tiny images."""
    if np.isnan(scores).any():
        return IntervalRecord(mean=math.nan, low=math.nan, high=math.nan, undefined=measure.undefined)
    least = -math.inf if measure.least is None else measure.least
    most = math.inf if measure.most is None else measure.most
    return mean_interval(scores, least=least, most=most).record()


def _pca_curve(yardstick: Yardstick, originals: Pixels) -> tuple[tuple[PcaPoint, ...], int]:
    """PCA with other numbers of components, and on how many images: many large ones would take minutes."""
    rows = evenly(len(originals), max(1, _CURVE_VALUES // math.prod(originals.shape[1:])))
    images = originals if len(rows) == len(originals) else Rows(originals, rows)
    return yardstick.curve(images, yardstick.sizes()), len(rows)


def _flags(recipe: Recipe, splits: Splits, depth: int) -> tuple[str, ...]:
    found: list[str] = []
    if recipe.train.monitor == "training":
        found.append("Its weights were chosen and its training stopped on the training loss, not on validation.")
    if recipe.train.monitor == "corrupted-validation":
        found.append(
            "Its weights were chosen on corrupted validation images. The comparison with PCA is on images as they are, "
            "which such a model need not copy."
        )
    if splits.range is not None:
        low, high = splits.range
        found.append(
            f"Scores are of {depth}-bit pixels: 0 and 1 on the scale of errors stand for the values {low:g} and "
            f"{high:g} of the sources."
        )
    if len(splits.test) < _FEW:
        found.append(
            f"There are only {len(splits.test)} test images: intervals are wide, and hold only if these images are "
            "like those that will come."
        )
    return tuple(found)


def _columns(splits: Splits, scores: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    columns = {"index": np.arange(len(splits.test))}
    if splits.test.labels is not None:
        columns["label"] = splits.test.labels
    for who, each in scores.items():
        columns |= {f"{who}_{measure}": values for measure, values in each.items()}
    return columns
