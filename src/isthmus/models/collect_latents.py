"""The latents of many images, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.core.pixels import BLOCK_BYTES, Pixels, blocks
from isthmus.core.values import Latent
from isthmus.kernels import threads
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


def collect(model: Autoencoder, images: Pixels) -> Collected:
    """images (N, C, H, W) -> their latents, in full precision and evaluation mode; images on disk are read in blocks.

    Raises RunError if a latent has numbers that are not finite or too large to be measured.
    """
    gathered = _Gathered()
    for rows in _blocks(model, images):
        for latent in batched(model, lambda part: _latent(model, part), torch.from_numpy(images[rows])):
            gathered.add(latent)
    return gathered.all()


def collect_with_outputs(model: Autoencoder, images: Pixels) -> tuple[Collected, np.ndarray]:
    """`collect`, and the model's outputs for the same images, (N, C, H, W) pixels: each image is encoded once."""

    def answer(part: Tensor) -> tuple[Latent, Tensor]:
        latent = _latent(model, part)
        return latent, model.decode_to_pixels(latent.z.float()).cpu()

    gathered, outputs = _Gathered(), list[Tensor]()
    for rows in _blocks(model, images):
        for latent, output in batched(model, answer, torch.from_numpy(images[rows])):
            gathered.add(latent)
            outputs.append(output)
    return gathered.all(), torch.cat(outputs).numpy()


def _blocks(model: Autoencoder, images: Pixels) -> Iterator[slice]:
    """Blocks of whole pieces: the same pieces, and so the same bits, as if all images were given at once."""
    piece = threads.images_in_a_piece(model.device, math.prod(model.image_shape[1:]))
    rows = BLOCK_BYTES // (math.prod(model.image_shape) * images.dtype.itemsize)
    return blocks(images, max(1, rows // piece) * piece)


def _latent(model: Autoencoder, pixels: Tensor) -> Latent:
    x = to_unit(pixels)
    x_in = model.corruption(x) if model.corruption.at_inference else x
    return model.beside_prior(model.latent(x_in)[1])


class _Gathered:
    """What `Collected` needs of each latent, so that the rest of it can be freed."""

    def __init__(self) -> None:
        self.z, self.codes = list[Tensor](), list[Tensor]()
        self.penalties: dict[str, list[Tensor]] = {}
        self.sums: dict[str, Tensor] = {}

    def add(self, latent: Latent) -> None:
        self.z.append(latent.z.float().flatten(1).cpu())
        if latent.codes is not None:
            self.codes.append(latent.codes.flatten(1).cpu())
        for name, values in latent.penalties.items():
            self.penalties.setdefault(name, []).append(values.float().cpu())
        for name, values in latent.by_dimension.items():
            total = widest(values).sum(0).cpu()
            self.sums[name] = self.sums[name] + total if name in self.sums else total

    def all(self) -> Collected:
        z = torch.cat(self.z)
        return Collected(
            with_sane_numbers(z).numpy(),
            torch.cat(self.codes).numpy() if self.codes else None,
            {name: torch.cat(values).numpy() for name, values in self.penalties.items()},
            {name: (total / len(z)).numpy() for name, total in self.sums.items()},
        )
