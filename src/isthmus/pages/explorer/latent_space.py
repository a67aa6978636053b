"""What the latents of training images look like: where they lie, and which of their directions pictures vary in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MOST_DIRECTIONS = 512
_LEAST_SPREAD = 1e-3  # of the widest; what varies less is a collapsed latent's rounding


@dataclass(frozen=True)
class LatentSpace:
    """Moments of latents (N, D), and uncorrelated directions in them, K at most D.

    mean, std: (D,). steps: (K, D), what one standard deviation along each direction adds to a latent. readings:
    (K, D), whose product with a latent less the mean is where it lies along each, in standard deviations. share:
    (K,), of the variance of the pictures, what each direction explains linearly, the most first.
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
        """Tensors for the page, matrices in 8 bits with a scale a row."""
        tensors = {"mean": self.mean, "std": self.std, "share": self.share}
        arrays = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
        for name, matrix in (("steps", self.steps), ("readings", self.readings)):
            scale = np.abs(matrix).max(1) / 127
            arrays[name] = np.rint(matrix / scale[:, None]).astype(np.int8)
            arrays[f"{name}_scale"] = scale.astype(np.float32)
        return arrays


def describe(latents: np.ndarray, images: np.ndarray) -> LatentSpace:
    """latents (N, D) of images (N, ...) uint8, N at least 2.

    The latents' own widest directions would not do: where all latents are equally wide, as beside a linear path,
    they say nothing. So among all uncorrelated directions these are the ones that explain most of the pictures'
    variance, one after the other; along each, more is brighter.
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
