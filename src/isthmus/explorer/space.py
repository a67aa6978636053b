"""What the latents of training images look like: where they lie, how wide, in which directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MOST_DIRECTIONS = 512


@dataclass(frozen=True)
class LatentSpace:
    """Moments of latents (N, D).

    mean, std: (D,). directions: (K, D), orthonormal rows, widest first. spread: (K,), standard deviation along each.
    """

    mean: np.ndarray
    std: np.ndarray
    directions: np.ndarray
    spread: np.ndarray

    def coordinates(self, latents: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, K): along each direction, in standard deviations."""
        return (latents - self.mean) @ self.directions.T / np.maximum(self.spread, _least(self.spread))

    def arrays(self) -> dict[str, np.ndarray]:
        """Tensors for the page, directions in 8 bits with a scale a row."""
        largest = np.abs(self.directions).max(1)
        small = np.rint(self.directions / largest[:, None] * 127).astype(np.int8)
        scale = 1 / np.linalg.norm(small.astype(np.float64), axis=1)
        tensors = {"mean": self.mean, "std": self.std, "directions_scale": scale, "spread": self.spread}
        return {"directions": small, **{name: tensor.astype(np.float32) for name, tensor in tensors.items()}}


def describe(latents: np.ndarray) -> LatentSpace:
    """Principal directions of latents (N, D), N at least 2; the entry of largest magnitude is positive."""
    latents = latents.astype(np.float64)
    mean = latents.mean(0)
    _, singular, directions = np.linalg.svd(latents - mean, full_matrices=False)
    directions, singular = directions[:_MOST_DIRECTIONS], singular[:_MOST_DIRECTIONS]
    largest = np.abs(directions).argmax(1, keepdims=True)
    directions = directions * np.sign(np.take_along_axis(directions, largest, 1))
    return LatentSpace(mean, latents.std(0), directions, singular / np.sqrt(len(latents) - 1))


def _least(spread: np.ndarray) -> float:
    return max(1e-6 * float(spread[0]), 1e-12)
