"""Where the latents of training images lie, and which latent directions explain the variance of the pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MOST_DIRECTIONS = 512
_LEAST_SPREAD = 1e-3  # of the widest direction; a smaller spread is only rounding, as in a collapsed latent


@dataclass(frozen=True)
class LatentSpace:
    """Mean and spread of latents (N, D), and K <= D uncorrelated directions.

    mean, std: (D,). steps: (K, D), what one standard deviation along each direction adds to a latent.
    readings: (K, D); readings @ (latent - mean) are its coordinates, in standard deviations.
    share: (K,), the share of the pictures' variance that each direction explains linearly, largest first.
    """

    mean: np.ndarray
    std: np.ndarray
    steps: np.ndarray
    readings: np.ndarray
    share: np.ndarray

    def coordinates(self, latents: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, K), in standard deviations."""
        return (latents - self.mean) @ self.readings.T

    def arrays(self) -> dict[str, np.ndarray]:
        """Tensors for the page; matrices are stored in 8 bits with one scale per row."""
        tensors = {"mean": self.mean, "std": self.std, "share": self.share}
        arrays = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
        for name, matrix in (("steps", self.steps), ("readings", self.readings)):
            scale = np.abs(matrix).max(1) / 127
            arrays[name] = np.rint(matrix / scale[:, None]).astype(np.int8)
            arrays[f"{name}_scale"] = scale.astype(np.float32)
        return arrays


def describe(latents: np.ndarray, images: np.ndarray) -> LatentSpace:
    """latents (N, D) of images (N, ...) uint8 or uint16, N at least 2.

    The principal directions of the latents alone are not enough: if all are equally wide, as with a linear path,
    their order means nothing. So these are the uncorrelated directions that explain most of the pictures' variance,
    one after the other. The sign is chosen so that a larger coordinate is brighter.
    """
    latents = latents.astype(np.float64)
    mean, count = latents.mean(0), len(latents)
    whitened, singular, axes = np.linalg.svd(latents - mean, full_matrices=False)
    held = min(int((singular > _LEAST_SPREAD * singular[0]).sum()) or 1, _MOST_DIRECTIONS)
    spread, axes = np.maximum(singular[:held], 1e-12) / np.sqrt(count - 1), axes[:held]
    pixels = images.reshape(count, -1).astype(np.float32)
    pixels -= pixels.mean(0)
    shared = pixels.T @ whitened[:, :held].astype(np.float32) / np.sqrt(count)  # (pixels, held)
    explained, turn = np.linalg.eigh(shared.T.astype(np.float64) @ shared)
    explained, turn = explained[::-1], turn[:, ::-1]
    turn = turn * np.where((shared @ turn).sum(0) < 0, -1, 1)
    return LatentSpace(
        mean,
        latents.std(0),
        (turn.T * spread) @ axes,
        (turn.T / spread) @ axes,
        np.clip(explained, 0, None) / max(float(np.square(pixels, dtype=np.float64).sum() / count), 1e-12),
    )
