"""The latents of many images, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.core.values import Latent
from isthmus.kernels import threads
from isthmus.models.autoencoder import Autoencoder, full_precision, to_unit, with_sane_numbers
from isthmus.models.widest import widest


@dataclass(frozen=True)
class Collected:
    """Latents of N images as they are in evaluation.

    z: (N, D) float32, maps flattened. codes: (N, K) int64 of a discrete bottleneck, else None.
    penalties: name -> (N,), as the bottleneck states them. by_dimension: name -> (D,), means over images of a
    penalty's summands.
    """

    z: np.ndarray
    codes: np.ndarray | None
    penalties: Mapping[str, np.ndarray]
    by_dimension: Mapping[str, np.ndarray]


def collect(model: Autoencoder, images: np.ndarray) -> Collected:
    """images (N, C, H, W) uint8 -> their latents, in full precision and evaluation mode.

    Raises RunError where a latent's numbers are none that anything can be measured of.
    """
    model.eval()
    z: list[Tensor] = []
    codes: list[Tensor] = []
    penalties: dict[str, list[Tensor]] = {}
    sums: dict[str, Tensor] = {}

    def measure(part: Tensor) -> Latent:
        with full_precision():  # which each thread has for itself
            x = to_unit(part.to(model.device))
            x_in = model.corruption(x) if model.corruption.at_inference else x
            return model.beside_prior(model.latent(x_in)[1])

    with full_precision():
        for latent in threads.pieces(measure, torch.from_numpy(images), device=model.device):
            z.append(latent.z.float().flatten(1).cpu())
            if latent.codes is not None:
                codes.append(latent.codes.flatten(1).cpu())
            for name, values in latent.penalties.items():
                penalties.setdefault(name, []).append(values.float().cpu())
            for name, values in latent.by_dimension.items():
                total = widest(values).sum(0).cpu()
                sums[name] = sums[name] + total if name in sums else total
    return Collected(
        with_sane_numbers(torch.cat(z)).numpy(),
        torch.cat(codes).numpy() if codes else None,
        {name: torch.cat(values).numpy() for name, values in penalties.items()},
        {name: (total / len(images)).numpy() for name, total in sums.items()},
    )
