"""The mean image: the output of an autoencoder with a latent of size 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.core.pixels import Pixels, blocks


@dataclass(frozen=True)
class MeanImage:
    """The training images' mean, rounded to their depth. pixels: (C, H, W) uint8 or uint16."""

    pixels: np.ndarray

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """images (N, C, H, W) -> the same mean image N times, (N, C, H, W)."""
        if images.shape[1:] != self.pixels.shape:
            raise ValueError(f"the mean image is {self.pixels.shape}, the images are {images.shape[1:]}")
        return np.tile(self.pixels, (len(images), 1, 1, 1))


def fit(images: Pixels) -> MeanImage:
    """The mean of the training images (N, C, H, W), read block by block."""
    if images.dtype.name not in ("uint8", "uint16") or len(images.shape) != 4 or len(images) == 0:
        raise ValueError(f"the mean image needs (N, C, H, W) uint8 or uint16, not {images.shape} {images.dtype}")
    total = np.zeros(images.shape[1:])
    for rows in blocks(images):
        total += images[rows].sum(axis=0, dtype=np.float64)  # whole numbers: exact
    return MeanImage(np.rint(total / len(images)).astype(images.dtype))
