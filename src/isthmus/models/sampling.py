"""New images from a trained model: a sampler's latents, decoded."""

from __future__ import annotations

import numpy as np
import torch

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array, evaluation_mode, full_precision
from isthmus.models.collect_latents import Collected
from isthmus.models.interfaces import Sampler
from isthmus.models.seeding import generator

# "auto" means the first one that suits the model
_PREFERRED = ("prior", "codes", "mixture")


def choose_sampler(model: Autoencoder, name: str) -> str:
    """The sampler's name, with "auto" resolved. Raises InputError if it is unknown or does not suit the model."""
    if name == "auto":
        return next(kind for kind in _PREFERRED if registry.find("samplers", kind).suits(model))
    part: type[Sampler] = registry.find("samplers", name)
    discrete = model.bottleneck.codes > 0
    if not part.suits(model) and (discrete or name != "prior"):
        fitting = [kind for kind in registry.usable("samplers") if registry.find("samplers", kind).suits(model)]
        raise InputError(
            f"sampler: {name!r} does not fit this model's latent, which is made of "
            f"{'codes' if discrete else 'numbers'}; use {' or '.join(fitting)}"
        )
    return name


def draw_latents(model: Autoencoder, known: Collected, count: int, *, sampler: str, seed: int = 0) -> torch.Tensor:
    """`count` new latents, (count, *latent_shape) on the model's device, by a sampler that suits the model.

    known: the latents of training images, which some samplers are fitted to.
    """
    source: Sampler = registry.build("samplers", sampler, {}, model, known)
    with evaluation_mode(model), full_precision():
        return source.sample(count, generator("samples", seed, device=model.device))


def sample_images(model: Autoencoder, known: Collected, count: int, *, sampler: str, seed: int = 0) -> np.ndarray:
    """`count` new images, (count, C, H, W) pixels, decoded from `draw_latents`."""
    z = draw_latents(model, known, count, sampler=sampler, seed=seed)
    return batched_array(model, model.decode_to_pixels, z)
