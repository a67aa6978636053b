"""The negative ELBO of images under a variational model, as an error of each image."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.core.values import Posterior
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import Distortion
from isthmus.models.pixels import to_unit
from isthmus.models.seeding import sealed_generator

_DRAWS = 8


def negative_elbo(model: Autoencoder, distortion: Distortion, pixels: Tensor) -> Tensor:
    """pixels (B, C, H, W) -> (B,) float64 on the CPU, nats: mean of -log p(x|z) - log p(z) + log q(z|x) over 8 draws.

    Every image gets the same standard-normal draws, so its error does not depend on the images beside it.
    The model must have a posterior, and the distortion must be a likelihood in nats.
    """
    x = to_unit(pixels)
    posterior = model.posterior_of(x)
    noise = torch.empty(_DRAWS, posterior.mean.shape[1], device=x.device)
    noise.normal_(generator=sealed_generator("anomaly likelihood", device=x.device))
    total = torch.zeros(len(x), dtype=torch.float64)
    for draw in noise:
        total += _of_draw(model, distortion, x, posterior, draw).cpu().double()
    return total / _DRAWS


def _of_draw(model: Autoencoder, distortion: Distortion, x: Tensor, posterior: Posterior, draw: Tensor) -> Tensor:
    z = posterior.mean + (0.5 * posterior.log_variance).exp() * draw
    ratio = model.prior(z, model.posterior_of) - posterior.log_density(z)
    return distortion(model.decode_latents(z).float(), x) - ratio
