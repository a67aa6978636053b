"""New images from a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.evaluation.latents.measure_latents import encode_training
from isthmus.models.collect_latents import Collected
from isthmus.models.sampling import choose_sampler, sample_images
from isthmus.runs.load import load_model, load_run_data

MOST = 100_000


@dataclass(frozen=True)
class Generated:
    """images: (N, C, H, W) uint8 or uint16. sampler: the sampler of their latents. notices: sentences for the user."""

    images: np.ndarray
    sampler: str
    notices: tuple[str, ...]


def generate(run: Path, count: int, *, sampler: str = "auto", seed: int = 0, device: str = "auto") -> Generated:
    """`count` new images from the trained model of a run; the same seed on the same device gives the same images.

    sampler: a part of that sort, or "auto": the model's prior where it has one, else what fits its latent. Samplers
    other than the prior are fitted to the run's training images, which are read again.
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
        train = encode_training(model, load_run_data(run)).latents
    images = sample_images(model, train, count, sampler=chosen, seed=seed)
    return Generated(images, chosen, tuple(notices))
