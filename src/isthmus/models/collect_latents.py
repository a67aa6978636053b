"""The latents of many images, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.core.values import Latent
from isthmus.models.autoencoder import Autoencoder, with_sane_numbers
from isthmus.models.batched import batched
from isthmus.models.pixels import to_unit
from isthmus.models.widest import widest


@dataclass(frozen=True)
class Collected:
    """Latents of N images in evaluation mode.

    z: (N, D) float32, maps flattened. codes: (N, K) int64 of a discrete bottleneck, else None.
    penalties: name -> (N,), as the bottleneck reports them. by_dimension: name -> (D,), each number's part of a
    penalty, averaged over images.
    """

    z: np.ndarray
    codes: np.ndarray | None
    penalties: Mapping[str, np.ndarray]
    by_dimension: Mapping[str, np.ndarray]


def collect(model: Autoencoder, images: np.ndarray) -> Collected:
    """images (N, C, H, W) uint8 -> their latents, in full precision and evaluation mode.

    Raises RunError if a latent has numbers that are not finite or too large to be measured.
    """
    return _joined(batched(model, lambda part: _latent(model, part), torch.from_numpy(images)))


def collect_with_outputs(model: Autoencoder, images: np.ndarray) -> tuple[Collected, np.ndarray]:
    """`collect`, and the model's outputs for the same images, (N, C, H, W) uint8: each image is encoded once."""

    def answer(part: Tensor) -> tuple[Latent, Tensor]:
        latent = _latent(model, part)
        return latent, model.decode_to_pixels(latent.z.float()).cpu()

    answers = batched(model, answer, torch.from_numpy(images))
    return _joined([latent for latent, _ in answers]), torch.cat([output for _, output in answers]).numpy()


def _latent(model: Autoencoder, pixels: Tensor) -> Latent:
    x = to_unit(pixels)
    x_in = model.corruption(x) if model.corruption.at_inference else x
    return model.beside_prior(model.latent(x_in)[1])


def _joined(latents: Sequence[Latent]) -> Collected:
    z = torch.cat([latent.z.float().flatten(1).cpu() for latent in latents])
    codes = [latent.codes.flatten(1).cpu() for latent in latents if latent.codes is not None]
    penalties: dict[str, list[Tensor]] = {}
    sums: dict[str, Tensor] = {}
    for latent in latents:
        for name, values in latent.penalties.items():
            penalties.setdefault(name, []).append(values.float().cpu())
        for name, values in latent.by_dimension.items():
            total = widest(values).sum(0).cpu()
            sums[name] = sums[name] + total if name in sums else total
    return Collected(
        with_sane_numbers(z).numpy(),
        torch.cat(codes).numpy() if codes else None,
        {name: torch.cat(values).numpy() for name, values in penalties.items()},
        {name: (total / len(z)).numpy() for name, total in sums.items()},
    )
