"""Measures on a trained model what the doctor's checks need."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from isthmus.core import registry
from isthmus.core.pixels import Pixels, Rows, levels
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.mirroring import mirroring
from isthmus.evaluation.doctor.learning_curve import read_curve, read_epochs
from isthmus.evaluation.doctor.measurements import CodeUse, Measurements, TrainingCourse
from isthmus.evaluation.doctor.pixels import pixels_of, twins
from isthmus.evaluation.latents.measure_latents import Encoded
from isthmus.kernels import threads
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import BATCH, batched_array
from isthmus.models.collect_latents import Collected, Collecting, blocks_of
from isthmus.models.interfaces import Regularizer
from isthmus.models.latent_usage import covariance, perplexity
from isthmus.models.pixels import to_pixels, to_unit
from isthmus.models.sampling import draw_latents
from isthmus.models.seeding import generator
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.training_length import budget
from isthmus.run_files.anomalies import AnomalyRecord
from isthmus.run_files.evaluation import EvaluationRecord

# Of the training, validation and test images each, where more would not change the result: 1,000, and of large ones as
# many as have _PIXELS together, so that this takes no longer than an epoch; but at least _FEW.
_IMAGES, _PIXELS = 1000, 1000 * 64 * 64
_FEW = 250  # images that suffice to see whether an error grows by a tenth
_SEARCHED = 20_000  # training images that are searched for copies of test images


def measure_run(
    model: Autoencoder,
    recipe: Recipe,
    splits: Splits,
    train: Encoded,
    asked: Collected,
    evaluation: EvaluationRecord,
    journal: Path,
    *,
    steps: int,
    kept: int,
    anomalies: AnomalyRecord | None = None,
) -> Measurements:
    """Measure a trained model, a few seconds on one core.

    train: some training images. asked: the latents of the test images. journal: metrics.jsonl.
    steps: how many were taken. kept: the epoch whose weights these are. anomalies: what their scoring found, if it was
    of these weights.
    """
    most = min(_IMAGES, max(_FEW, _PIXELS // math.prod(model.image_shape[1:])))
    test, held = (_first(images, most) for images in (splits.test.images, splits.validation.images))
    # not the test images' latents: test images may be of another kind than training images
    latents, own = _collected(model, held)
    noisy: dict[str, float] = {}
    if recipe.train.monitor == "corrupted-validation":
        known = _first(train.images.images, most)
        noisy = {"noisy train": _of_corrupted(model, known), "noisy validation": _of_corrupted(model, held)}
    mse = noisy | {
        "train": _reconstructed(model, _first(train.images.images, most)),
        "validation": own,
        "test": evaluation.scores["model"].mse.mean,
        "shuffled": _decoded(model, np.roll(latents.z, 1, 0), held),
        "negatives": _reconstructed(model, test, lambda block: levels(block.dtype) - block),
    }
    return Measurements(
        recipe,
        model,
        evaluation,
        mse,
        train.latents.z.var(0),
        asked.by_dimension.get("kl"),
        _narrowed(model, train.latents, latents.z[:_FEW], _first(held, _FEW)),
        _from_prior(model, recipe, train),
        _codes(model, train.latents, asked),
        {
            "train": pixels_of(train.images.images),
            "validation": pixels_of(splits.validation.images),
            "test": pixels_of(splits.test.images),
        },
        splits.own_test,
        twins(_first(splits.train.images, _SEARCHED), test),
        mirroring(splits.train.images, splits.validation.images),
        _training(recipe, len(splits.train), steps, kept, journal),
        read_curve(journal),
        anomalies,
    )


def _training(recipe: Recipe, images: int, steps: int, kept: int, journal: Path) -> TrainingCourse:
    warmup = budget(recipe, images).recipe.train.warmup_steps
    return TrainingCourse(images, steps, -(-images // recipe.train.batch), warmup, kept, read_epochs(journal))


def _codes(model: Autoencoder, train: Collected, asked: Collected) -> CodeUse | None:
    if train.codes is None or asked.codes is None:
        return None
    seen, count = np.concatenate([train.codes, asked.codes]), model.bottleneck.codes
    return CodeUse(count, seen.size, len(np.unique(seen)), perplexity(seen, count))


def _first(images: Pixels, count: int) -> Rows:
    return Rows(images, np.arange(min(count, len(images))))


def _collected(model: Autoencoder, images: Pixels) -> tuple[Collected, float]:
    """The images' latents, and the mean squared error, 0 to 1, of their reconstructions."""
    collecting, errors = Collecting(model), list[float]()
    for rows in blocks_of(model, images):
        block = images[rows]
        errors += _squared(collecting.reconstruct(block), block)
    return collecting.collected(), math.fsum(errors) / math.prod(images.shape)


def _reconstructed(
    model: Autoencoder, images: Pixels, change: Callable[[np.ndarray], np.ndarray] = lambda block: block
) -> float:
    """The mean squared error, 0 to 1, of reconstructions of images after a `change` to their pixels."""
    errors = list[float]()
    for rows in blocks_of(model, images):
        block = change(images[rows])
        errors += _squared(batched_array(model, model.reconstruct_pixels, torch.from_numpy(block)), block)
    return math.fsum(errors) / math.prod(images.shape)


def _of_corrupted(model: Autoencoder, images: Rows) -> float:
    """The mean squared error, 0 to 1, of what the model makes of corrupted images, as in training, against `images`.

    Few images are taken several times: of so few draws, one set could have twice the noise of the other.
    """
    noise, errors = generator("doctor", 0, device=model.device), list[float]()

    def made(part: torch.Tensor) -> torch.Tensor:
        return to_pixels(model.corrupted(to_unit(part), noise).x_hat, part.dtype)

    times = -(-_FEW // len(images))
    for _ in range(times):
        for rows in blocks_of(model, images):
            block = images[rows]
            errors += _squared(batched_array(model, made, torch.from_numpy(block), in_order=BATCH), block)
    return math.fsum(errors) / (times * math.prod(images.shape))


def _decoded(model: Autoencoder, z: np.ndarray, images: Pixels) -> float:
    """The mean squared error, 0 to 1, of what is decoded from z (N, D) against images (N, C, H, W)."""
    errors = list[float]()
    for rows in blocks_of(model, images):
        latents = torch.from_numpy(z[rows]).view(-1, *model.latent_shape)
        errors += _squared(batched_array(model, model.decode_to_pixels, latents), images[rows])
    return math.fsum(errors) / math.prod(images.shape)


def _squared(output: np.ndarray, images: np.ndarray) -> list[float]:
    """Sums over squared differences, pixels in [0, 1], of two (B, C, H, W)."""
    highest = levels(images.dtype)

    def squared(made: torch.Tensor, true: torch.Tensor) -> float:
        return float(((made.double() - true.double()) / highest).square().sum())

    return threads.pieces(squared, torch.from_numpy(output), torch.from_numpy(images))


def _narrowed(model: Autoencoder, train: Collected, asked: np.ndarray, images: Pixels) -> dict[int, float]:
    size = train.z.shape[1]
    if train.codes is not None or len(model.latent_shape) != 1 or size < 2:
        return {}
    mean = train.z.mean(0)
    _, directions = np.linalg.eigh(covariance(train.z))
    found: dict[int, float] = {}
    kept = size
    while kept >= 1:
        held = directions[:, -kept:]
        z = mean + (asked - mean) @ held @ held.T
        found[kept] = _decoded(model, z.astype(np.float32), images)
        if found[kept] > 1.1 * found[size]:
            break
        kept //= 2
    return found


def _from_prior(model: Autoencoder, recipe: Recipe, train: Encoded) -> float | None:
    """KL from a Gaussian fitted to the latents to one fitted to the prior's draws, in nats per number."""
    latents = _drawn(model, recipe, train)
    if latents is None or len(latents) < 4 * latents.shape[1]:
        return None
    prior = draw_latents(model, train.latents, len(latents), sampler="prior").flatten(1).cpu().double().numpy()
    (mean, found), (centre, wanted) = (_moments(values) for values in (latents, prior))
    size = len(mean)
    inverse = np.linalg.inv(wanted)
    logs = [float(np.linalg.slogdet(matrix)[1]) for matrix in (found, wanted)]
    apart = centre - mean
    total = float(np.trace(inverse @ found) + apart @ inverse @ apart) - size + logs[1] - logs[0]
    return 0.5 * total / size


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(0), covariance(values) + 1e-6 * np.eye(values.shape[1])


def _drawn(model: Autoencoder, recipe: Recipe, train: Encoded) -> np.ndarray | None:
    """Latents as in training, if training compared them with a prior; else None."""
    regularizer: type[Regularizer] = registry.find("regularizers", recipe.regularizer.kind)
    if regularizer.towards_prior:
        return train.latents.z.astype(np.float64)
    if not model.bottleneck.has_posterior:
        return None
    noise, images = generator("doctor", 0, device=model.device), train.images.images

    def draw(part: torch.Tensor) -> torch.Tensor:
        return model.posterior_of(to_unit(part)).draw(noise)

    drawn = [
        batched_array(model, draw, torch.from_numpy(images[rows]), in_order=BATCH) for rows in blocks_of(model, images)
    ]
    return np.concatenate(drawn).astype(np.float64)
