"""New images from a run folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.evaluation.latents.measure_latents import encode_training
from isthmus.inference.images_elsewhere import Elsewhere, find_images
from isthmus.models.collect_latents import Collected
from isthmus.models.sampling import choose_sampler, sample_images
from isthmus.runs.load import load_model

MOST = 100_000
_HERE = Elsewhere()


@dataclass(frozen=True)
class Generated:
    """images: (N, C, H, W) uint8 or uint16. sampler: the sampler of their latents. notices: sentences for the user."""

    images: np.ndarray
    sampler: str
    notices: tuple[str, ...]


def generate(
    run: Path,
    count: int,
    *,
    sampler: str = "auto",
    seed: int = 0,
    device: str = "auto",
    where: Elsewhere = _HERE,
) -> Generated:
    """`count` new images from the trained model of a run; the same seed on the same device gives the same images.

    sampler: a part of that sort, or "auto": the model's prior where it has one, else what fits its latent. Samplers
    other than the prior are fitted to the run's training images, which are read again. where: these images, if they
    are not where the recipe says, or others to fit the sampler to instead.
    Raises InputError for a count or a sampler that does not fit, and where those images are not here or have changed.
    """
    if not 1 <= count <= MOST:
        raise InputError(f"{shown(count)} images cannot be drawn; ask for 1 to {MOST:,}")
    if not 0 <= seed < 2**31:
        raise InputError(f"seed: {shown(seed)} does not fit: it is a whole number from 0 to 2147483647")
    model, notices = load_model(run, device)
    chosen = choose_sampler(model, sampler)
    train = Collected(np.zeros((0, model.latent_size), np.float32), None, {}, {})
    if chosen != "prior":
        found = find_images(run, where)
        splits = found.splits
        if found.other is not None:
            splits = replace(splits, train=splits.test)
            notices.append(f"The sampler {chosen} is fitted to {found.other.source} instead of the training images.")
        else:
            notices += found.notices
        train = encode_training(model, splits).latents
    elif where != _HERE:
        raise InputError(f"{run}: its sampler is the prior, which needs no images; leave out --data and data.path")
    images = sample_images(model, train, count, sampler=chosen, seed=seed)
    return Generated(images, chosen, tuple(notices))
