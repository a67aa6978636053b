"""All measurements of a latent, as evaluation.json stores them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

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

_KNOWN = 5000  # training images that probes learn from
_BOUNDED = 500  # test images whose likelihood bounds are computed
_SAMPLES = 10
_MOST_CLASSES = 100


@dataclass(frozen=True)
class Known:
    """Images and their latents."""

    images: ImageSet
    latents: Collected


def know(model: Autoencoder, splits: Splits) -> Known:
    """At most 5,000 training images, chosen by a seed, with their latents."""
    chosen = np.sort(np.random.default_rng(sealed("encoded training images")).permutation(len(splits.train))[:_KNOWN])
    images = splits.train.take(chosen)
    return Known(images, collect(model, images.images))


def measure_latents(
    model: Autoencoder,
    distortion: Distortion | None,
    learnt: Known,
    tested: Known,
    *,
    pca_latents: tuple[np.ndarray, np.ndarray],
) -> LatentRecord:
    """The measurements that apply to this model and these images; see docs/run-folder.md. A few seconds on one core.

    tested: the test images. pca_latents: PCA's latents of both sets of images, (N, K) and (M, K).
    """
    known, asked = learnt.images, tested.images
    ours = learnt.latents, tested.latents
    found: dict[str, Any] = {**_usage(model, ours[1])}
    if distortion is not None and distortion.nats and model.bottleneck.has_posterior:
        images = asked.images[:_BOUNDED]
        values = math.prod(model.image_shape)
        found["likelihood"] = bounds(model, distortion, images, samples=_SAMPLES).summary(values, _SAMPLES)
    if _classes(known, asked):
        labels = _labels(known), _labels(asked)

        def beside(probe: Callable[..., float]) -> Beside:
            right = [probe(z[0], labels[0], z[1], labels[1]) for z in ((ours[0].z, ours[1].z), pca_latents)]
            return Beside(model=right[0], pca=right[1])

        found["labels"] = Labels(
            classes=len(np.unique(labels[0])),
            linear_probe=beside(probes.linear_probe),
            nearest_neighbours=beside(probes.nearest_neighbours),
        )
    varied = {name: values for name, values in (known.factors or {}).items() if len(np.unique(values)) > 1}
    if varied and asked.factors:
        found["factors"] = _factors(ours[0].z, ours[1].z, varied, asked.factors)
    return LatentRecord(**found)


def _usage(model: Autoencoder, asked: Collected) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rate = latent_usage.rate(asked)
    if rate is not None:
        found["rate"] = rate
    if model.bottleneck.has_posterior:
        found["active_units"] = PartRecord(count=latent_usage.active_units(asked.z), of=asked.z.shape[1])
    if asked.codes is not None:
        found["codes"] = latent_usage.code_usage(asked.codes, model.bottleneck.codes)
    return found


def _factors(known: np.ndarray, asked: np.ndarray, causes: Any, truths: Any) -> Factors:
    amounts = {name: values for name, values in causes.items() if not disentanglement.counted(values)}
    found: dict[str, Any] = {"linear_r2": probes.linear_r2(known, amounts, asked, truths)}
    if known.shape[1] <= disentanglement.MOST_NUMBERS:
        found["mig"] = disentanglement.mutual_information_gap(known, causes)
        found["dci"] = disentanglement.dci(known, causes, asked, truths)
    return Factors(**found)


def _labels(images: ImageSet) -> np.ndarray:
    assert images.labels is not None
    return images.labels


def _classes(known: ImageSet, asked: ImageSet) -> bool:
    """Whether there are classes to tell apart."""
    return known.labels is not None and asked.labels is not None and 1 < len(np.unique(known.labels)) <= _MOST_CLASSES
