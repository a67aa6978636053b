"""Lower bounds on the likelihood of images under a variational model: the ELBO and the importance-weighted bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array
from isthmus.models.interfaces import Distortion
from isthmus.models.pixels import to_unit
from isthmus.models.seeding import sealed_generator
from isthmus.run_files.latent import Likelihood

_DECODED = 1024  # samples decoded at a time


@dataclass(frozen=True)
class Bounds:
    """Lower bounds on log p(x), nats, one per image: the ELBO, and the importance-weighted bound."""

    elbo: np.ndarray
    importance_weighted: np.ndarray

    def summary(self, values: int, samples: int) -> Likelihood:
        """Means; bits per dimension are the importance-weighted bound divided by the `values` of an image."""
        weighted = float(self.importance_weighted.mean())
        return Likelihood(
            elbo_nats=float(self.elbo.mean()),
            importance_weighted_nats=weighted,
            samples=samples,
            bits_per_dimension=-weighted / values / math.log(2),
        )


def bounds(model: Autoencoder, distortion: Distortion, images: np.ndarray, *, samples: int = 10) -> Bounds:
    """images (N, C, H, W) -> their bounds from `samples` draws each; deterministic, in full precision.

    The model must have a posterior, and the distortion must be a likelihood in nats (`nats`). ELBO: the mean of
    log p(x|z) + log p(z) - log q(z|x) over draws; importance-weighted: the log of the mean of its exponential (Burda et
    al., arXiv:1509.00519, equation 8), which is at least the ELBO and rises with the number of draws.
    """
    generator = sealed_generator("likelihood", device=model.device)

    def bound(pixels: Tensor) -> Tensor:
        x = to_unit(pixels)
        posterior = model.posterior_of(x).repeated(samples)
        z = posterior.draw(generator)
        ratio = model.prior(z, model.posterior_of) - posterior.log_density(z)
        error = distortion(model.decode_latents(z).float(), x.repeat_interleave(samples, 0))
        return (ratio - error).unflatten(0, (-1, samples))

    each = batched_array(model, bound, torch.from_numpy(images), in_order=max(1, _DECODED // samples))
    each = torch.from_numpy(each).double()
    weighted = each.logsumexp(1) - math.log(samples)
    return Bounds(each.mean(1).numpy(), weighted.numpy())
