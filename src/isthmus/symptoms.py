"""What a run shows of its health, measured for the doctor's rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isthmus import registry
from isthmus.latents.collect import Collected
from isthmus.latents.measure import Known
from isthmus.latents.usage import covariance
from isthmus.model import BATCH, Autoencoder, full_precision, to_uint8, to_unit
from isthmus.recipe import Recipe
from isthmus.run_files.read import read_log
from isthmus.run_files.schema import Epoch, Logged
from isthmus.sampling import draw_latents
from isthmus.seeding import generator
from isthmus.splits import Splits

_IMAGES = 1000  # of the training, and of the validation images
_FEW_EPOCHS = 8  # with fewer, their errors make no curve
_FEW_LINES = 10


@dataclass(frozen=True)
class Pixels:
    """Values of some images, 0 to 255: the darkest, the brightest, their mean, and how far image means differ."""

    low: int
    high: int
    mean: float
    spread: float


@dataclass(frozen=True)
class Symptoms:
    """What is measured of a trained model, beyond its scores, for the rules to read.

    summary: evaluation.json as far as it is known.
    mse: mean squared errors per pixel value in [0, 1], on 8-bit output, by the images: "train", "validation", "test",
        and "shuffled": test images against what was decoded from each other's latents.
    spread: (D,) variances of the latent's numbers over training images.
    kl: (D,) mean KL of each number, nats, where the bottleneck states it so.
    narrowed: number of the latent's widest principal directions -> MSE of test images decoded from these alone, from
        all of them down by halves; empty where the latent is no vector of numbers.
    from_prior: nats per number from the prior to all latents together, both taken as Gaussians, where there is one.
    curve: (share of the training, error) from the log: validation errors, or distortions where there are few epochs.
    """

    recipe: Recipe
    model: Autoencoder
    summary: Mapping[str, Any]
    mse: Mapping[str, float]
    spread: np.ndarray
    kl: np.ndarray | None
    narrowed: Mapping[int, float]
    from_prior: float | None
    pixels: Mapping[str, Pixels]
    curve: tuple[tuple[float, float], ...]

    @property
    def likelihood(self) -> bool:
        """Whether its distortion is a likelihood in nats, which sets its own price for rate."""
        return bool(getattr(registry.find("distortions", self.recipe.distortion.kind), "nats", False))

    def option(self, path: str) -> Any:
        """An option of the recipe by its dotted path, None where it has no such option."""
        value: Any = self.recipe.table()
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value


def find_symptoms(
    model: Autoencoder, recipe: Recipe, splits: Splits, known: Known, asked: Collected, summary: Any, journal: Path
) -> Symptoms:
    """Measure a trained model, a few seconds on one core.

    known: training images and their latents. asked: the latents of the test images. journal: metrics.jsonl.
    """
    model.eval()
    test = splits.test.images
    z = torch.from_numpy(asked.z).view(-1, *model.latent_shape)
    mse = {
        "train": _mse(model, known.images.images[:_IMAGES]),
        "validation": _mse(model, splits.validation.images[:_IMAGES]),
        "test": float(summary["scores"]["model"]["mse"]["mean"]),
        "shuffled": _decoded_mse(model, z.roll(1, 0), test),
    }
    return Symptoms(
        recipe,
        model,
        summary,
        mse,
        known.latents.z.var(0),
        asked.by_dimension.get("kl"),
        _narrowed(model, known.latents, asked, test),
        _from_prior(model, recipe, known),
        {"train": _pixels(known.images.images), "test": _pixels(test)},
        read_curve(journal),
    )


def read_curve(journal: Path) -> tuple[tuple[float, float], ...]:
    """(share of the training's seconds, error) from a metrics.jsonl; empty where it is too short to have a shape."""
    lines = read_log(journal).lines
    epochs = [
        (line.seconds, line.validation_mse)
        for line in lines
        if isinstance(line, Epoch) and line.validation_mse is not None
    ]
    steps = [
        (line.seconds, line.distortion) for line in lines if isinstance(line, Logged) and line.distortion is not None
    ]
    chosen = epochs if len(epochs) >= _FEW_EPOCHS else steps if len(steps) >= _FEW_LINES else []
    if not chosen or not all(math.isfinite(error) and error > 0 for _, error in chosen):
        return ()
    total = max(seconds for seconds, _ in chosen)
    return tuple((seconds / total, error) for seconds, error in chosen) if total > 0 else ()


def _mse(model: Autoencoder, images: np.ndarray) -> float:
    with full_precision():
        errors = [
            _squared(model.reconstruct_pixels(part.to(model.device)), part)
            for part in torch.from_numpy(images).split(BATCH)
        ]
    return math.fsum(errors) / images.size


def _decoded_mse(model: Autoencoder, z: torch.Tensor, images: np.ndarray) -> float:
    with full_precision():
        pairs = zip(z.split(BATCH), torch.from_numpy(images).split(BATCH), strict=True)
        errors = [_squared(to_uint8(model.decode_latents(part.to(model.device))), true) for part, true in pairs]
    return math.fsum(errors) / images.size


def _squared(made: torch.Tensor, true: torch.Tensor) -> float:
    return float(((made.cpu().double() - true.double()) / 255).square().sum())


def _narrowed(model: Autoencoder, known: Collected, asked: Collected, images: np.ndarray) -> dict[int, float]:
    size = known.z.shape[1]
    if known.codes is not None or len(model.latent_shape) != 1 or size < 2:
        return {}
    mean = known.z.mean(0)
    _, directions = np.linalg.eigh(covariance(known.z))
    found: dict[int, float] = {}
    kept = size
    while kept >= 1:
        held = directions[:, -kept:]
        z = mean + (asked.z - mean) @ held @ held.T
        found[kept] = _decoded_mse(model, torch.from_numpy(z.astype(np.float32)), images)
        if found[kept] > 1.1 * found[size]:
            break
        kept //= 2
    return found


def _from_prior(model: Autoencoder, recipe: Recipe, known: Known) -> float | None:
    """KL of the Gaussian with the latents' mean and covariance to that of the prior's draws, per number."""
    latents = _drawn(model, recipe, known)
    if latents is None or len(latents) < 4 * latents.shape[1]:
        return None
    prior = draw_latents(model, known.latents, len(latents), sampler="prior").flatten(1).double().cpu().numpy()
    (mean, found), (centre, wanted) = (_moments(values) for values in (latents, prior))
    size = len(mean)
    inverse = np.linalg.inv(wanted)
    logs = [float(np.linalg.slogdet(matrix)[1]) for matrix in (found, wanted)]
    apart = centre - mean
    total = float(np.trace(inverse @ found) + apart @ inverse @ apart) - size + logs[1] - logs[0]
    return 0.5 * total / size


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(0), covariance(values) + 1e-6 * np.eye(values.shape[1])


def _drawn(model: Autoencoder, recipe: Recipe, known: Known) -> np.ndarray | None:
    """Latents as training saw them, where that held them against a prior."""
    if getattr(registry.find("regularizers", recipe.regularizer.kind), "towards_prior", False):
        return known.latents.z.astype(np.float64)
    if not hasattr(model.bottleneck, "posterior"):
        return None
    noise = generator("doctor", 0, device=model.device)
    with full_precision():
        parts = [
            model.posterior_of(to_unit(part.to(model.device))).draw(noise).cpu()
            for part in torch.from_numpy(known.images.images).split(BATCH)
        ]
    return torch.cat(parts).double().numpy()


def _pixels(images: np.ndarray) -> Pixels:
    means = images.reshape(len(images), -1).mean(1)
    return Pixels(int(images.min()), int(images.max()), float(means.mean()), float(means.std()))


def falls(curve: tuple[tuple[float, float], ...]) -> float | None:
    """By which share the error fell over the last fifth of a curve; None where there is none."""
    before = [error for share, error in curve if 0.7 <= share <= 0.85]
    after = [error for share, error in curve if share >= 0.95]
    if not before or not after:
        return None
    return 1 - float(np.mean(after)) / float(np.mean(before))


def jumps(curve: tuple[tuple[float, float], ...], by: float) -> float | None:
    """The share of steps in a curve's second half that raise the error by more than `by`; None where there is none."""
    late = [error for share, error in curve if share >= 0.5]
    if len(late) < 4:
        return None
    return float(np.mean([after > (1 + by) * before for before, after in pairwise(late)]))


def rises(curve: tuple[tuple[float, float], ...]) -> float | None:
    """The largest error of a curve over the least before it; None where there is none."""
    least, found = math.inf, None
    for _, error in curve:
        found = max(found or 0.0, error / least)
        least = min(least, error)
    return found
