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

_STEPS = (1024, 256)  # images: what PCA and noise take at a time


@dataclass(frozen=True)
class Collected:
    """Latents of N images in evaluation mode.

    z: (N, D) float32, maps flattened. codes: (N, K) int64 of a discrete bottleneck, else None. Both may hold some of
    the images only, in their order: see `Collecting`.
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
    collecting = Collecting(model)
    for rows in blocks_of(model, images):
        collecting.encode(images[rows])
    return collecting.collected()


class Collecting:
    """Collects the latents of images that come block by block, in order.

    kept: (N,) whether to keep an image's latent and codes; None keeps all.
    """

    def __init__(self, model: Autoencoder, kept: np.ndarray | None = None) -> None:
        self.model = model
        self.kept = None if kept is None else torch.from_numpy(kept)
        self.images = 0
        self.z, self.codes = list[Tensor](), list[Tensor]()
        self.penalties: dict[str, list[Tensor]] = {}
        self.sums: dict[str, Tensor] = {}

    def encode(self, block: np.ndarray) -> None:
        """block (B, C, H, W). Raises RunError as `collect`."""
        for latent in batched(self.model, self._latent, torch.from_numpy(block)):
            self._add(latent)

    def reconstruct(self, block: np.ndarray) -> np.ndarray:
        """block (B, C, H, W) -> the model's outputs for it, clamped and rounded: each image is encoded once.

        Raises RunError as `collect`.
        """

        def answer(part: Tensor) -> tuple[Latent, Tensor]:
            latent = self._latent(part)
            return latent, self.model.decode_to_pixels(latent.z.float()).cpu()

        answers = batched(self.model, answer, torch.from_numpy(block))
        for latent, _ in answers:
            self._add(latent)
        return torch.cat([output for _, output in answers]).numpy()

    def collected(self) -> Collected:
        return Collected(
            torch.cat(self.z).numpy(),
            torch.cat(self.codes).numpy() if self.codes else None,
            {name: torch.cat(values).numpy() for name, values in self.penalties.items()},
            {name: (total / self.images).numpy() for name, total in self.sums.items()},
        )

    def _latent(self, pixels: Tensor) -> Latent:
        x = to_unit(pixels)
        x_in = self.model.corruption(x) if self.model.corruption.at_inference else x
        return self.model.beside_prior(self.model.latent(x_in)[1])

    def _add(self, latent: Latent) -> None:
        z = with_sane_numbers(latent.z.float().flatten(1).cpu())
        kept = slice(None) if self.kept is None else self.kept[self.images : self.images + len(z)]
        self.images += len(z)
        self.z.append(z[kept])
        if latent.codes is not None:
            self.codes.append(latent.codes.flatten(1).cpu()[kept])
        for name, values in latent.penalties.items():
            self.penalties.setdefault(name, []).append(values.float().cpu())
        for name, values in latent.by_dimension.items():
            total = widest(values).sum(0).cpu()
            self.sums[name] = self.sums[name] + total if name in self.sums else total


def blocks_of(model: Autoencoder, images: Pixels) -> Iterator[slice]:
    """Blocks of whole pieces: the same pieces, and so the same bits, as if all images were given at once.

    Where they fit, blocks also are whole batches of the draws of noise and of PCA, for the same reason.
    """
    piece = threads.images_in_a_piece(model.device, math.prod(model.image_shape[1:]))
    most = BLOCK_BYTES // (math.prod(model.image_shape) * images.dtype.itemsize)
    whole = [step for step in (math.lcm(piece, batch) for batch in _STEPS) if step <= most]
    step = whole[0] if whole else piece
    return blocks(images, max(1, most // step) * step)
