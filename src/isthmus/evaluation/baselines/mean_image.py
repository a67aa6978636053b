"""The mean image: the output of an autoencoder with a latent of size 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MeanImage:
    """The training images' mean, rounded to 8 bits. pixels: (3, H, W) uint8."""

    pixels: np.ndarray

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """images (N, 3, H, W) uint8 -> the same mean image N times, (N, 3, H, W) uint8."""
        if images.shape[1:] != self.pixels.shape:
            raise ValueError(f"the mean image is {self.pixels.shape}, the images are {images.shape[1:]}")
        return np.tile(self.pixels, (len(images), 1, 1, 1))


def fit(images: np.ndarray) -> MeanImage:
    """The mean of the training images (N, 3, H, W) uint8."""
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) == 0:
        raise ValueError(f"the mean image needs (N, 3, H, W) uint8, not {images.shape} {images.dtype}")
    return MeanImage(np.rint(images.mean(axis=0)).astype(np.uint8))
