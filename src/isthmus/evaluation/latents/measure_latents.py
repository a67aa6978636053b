"""All measurements of a latent, as evaluation.json stores them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from isthmus.core.pixels import Rows
from isthmus.core.streams import sealed
from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits
from isthmus.evaluation.latents import disentanglement, probes
from isthmus.evaluation.latents.likelihood_bounds import bounds
from isthmus.models import latent_usage
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import Collected, collect
from isthmus.models.interfaces import Distortion
from isthmus.run_files.latent import Beside, Factors, Labels, LatentRecord, PartRecord

_ENCODED = 5000  # training images that probes learn from
_BOUNDED = 500  # test images whose likelihood bounds are computed
_SAMPLES = 10
_MOST_CLASSES = 100


@dataclass(frozen=True)
class Encoded:
    """Images and their latents."""

    images: ImageSet
    latents: Collected


def encode_training(model: Autoencoder, splits: Splits) -> Encoded:
    """At most 5,000 training images, chosen by a seed, with their latents."""
    rows = np.random.default_rng(sealed("encoded training images")).permutation(len(splits.train))[:_ENCODED]
    # a view also of images in memory, because 5,000 large ones would take a gigabyte more
    everything = Rows(splits.train.images, np.arange(len(splits.train)))
    images = replace(splits.train, images=everything).take(np.sort(rows))
    return Encoded(images, collect(model, images.images))


def measure_latents(
    model: Autoencoder,
    distortion: Distortion | None,
    train: Encoded,
    test: Encoded,
    *,
    pca_latents: tuple[np.ndarray, np.ndarray],
) -> LatentRecord:
    """The measurements that apply to this model and these images; see docs/run-folder.md. A few seconds on one core.

    pca_latents: PCA's latents of both sets of images, (N, K) and (M, K).
    """
    found: dict[str, Any] = {**_usage(model, test.latents)}
    if distortion is not None and distortion.nats and model.bottleneck.has_posterior:
        images = test.images.images[:_BOUNDED]
        values = math.prod(model.image_shape)
        found["likelihood"] = bounds(model, distortion, images, samples=_SAMPLES).summary(values, _SAMPLES)
    (known, classes), (asked, truth) = _labelled(train.images), _labelled(test.images)
    if len(asked) and 1 < len(np.unique(classes)) <= _MOST_CLASSES:

        def beside(probe: Callable[..., float]) -> Beside:
            latents = (train.latents.z, test.latents.z), pca_latents
            model_score, pca_score = (probe(z[0][known], classes, z[1][asked], truth) for z in latents)
            return Beside(model=model_score, pca=pca_score)

        found["labels"] = Labels(
            classes=len(np.unique(classes)),
            linear_probe=beside(probes.linear_probe),
            nearest_neighbours=beside(probes.nearest_neighbours),
        )
    factors = train.images.factors or {}
    varied = {name: values for name, values in factors.items() if len(np.unique(values)) > 1}
    if varied and test.images.factors:
        found["factors"] = _factors(train.latents.z, test.latents.z, varied, test.images.factors)
    return LatentRecord(**found)


def _usage(model: Autoencoder, test: Collected) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rate = latent_usage.rate(test)
    if rate is not None:
        found["rate"] = rate
    if model.bottleneck.has_posterior:
        found["active_units"] = PartRecord(count=latent_usage.active_units(test.z), of=test.z.shape[1])
    if test.codes is not None:
        found["codes"] = latent_usage.code_usage(test.codes, model.bottleneck.codes)
    return found


def _factors(train: np.ndarray, test: np.ndarray, causes: Any, truths: Any) -> Factors:
    amounts = {name: values for name, values in causes.items() if not disentanglement.counted(values)}
    found: dict[str, Any] = {"linear_r2": probes.linear_r2(train, amounts, test, truths)}
    if train.shape[1] <= disentanglement.MOST_NUMBERS and len(train) >= disentanglement.LEAST_IMAGES:
        found["mig"] = disentanglement.mutual_information_gap(train, causes)
        found["dci"] = disentanglement.dci(train, causes, test, truths)
    return Factors(**found)


def _labelled(images: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of the images that have a label, and their labels, (n,) each."""
    if images.labels is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    rows = np.flatnonzero(images.labels != -1)
    return rows, images.labels[rows]
