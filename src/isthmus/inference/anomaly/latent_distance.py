"""How far an image's latent lies from those of training images: Hotelling's T squared, a Mahalanobis distance.

Reconstruction error measures what the latent cannot hold; this measures what it can hold but training never showed.
The two are the classical pair of multivariate process control (Q and T squared; Jackson and Mudholkar 1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.covariance import ledoit_wolf

MOST_FULL = 512  # numbers of a latent whose covariances are used; of larger ones, only the variances


@dataclass(frozen=True)
class LatentReference:
    """The mean (D,) of training latents, and what whitens them: (D, D) with covariances or (D,) without; float64."""

    mean: np.ndarray
    whitening: np.ndarray

    def distances(self, z: np.ndarray) -> np.ndarray:
        """z (N, D) -> (N,) float64: the mean square of the whitened numbers, near 1 for training images."""
        apart = z.astype(np.float64) - self.mean
        white = apart @ self.whitening if self.whitening.ndim == 2 else apart * self.whitening
        return np.square(white).mean(1)


def latent_reference(z: np.ndarray) -> LatentReference:
    """Fitted to latents of training images, z (N, D).

    Covariances are shrunk by Ledoit and Wolf's rule (doi:10.1016/S0047-259X(03)00096-4), so that few images suffice.
    """
    z = z.astype(np.float64)
    mean = z.mean(0)
    if z.shape[1] > MOST_FULL or len(z) < 3:
        variance = z.var(0)
        return LatentReference(mean, 1 / np.sqrt(np.maximum(variance, _floor(variance))))
    covariance, _ = ledoit_wolf(z)
    values, vectors = np.linalg.eigh(covariance)
    return LatentReference(mean, vectors / np.sqrt(np.maximum(values, _floor(values))))


def _floor(variances: np.ndarray) -> float:
    """The least variance that counts: a number that never varies must not divide by zero."""
    return max(1e-6 * float(variances.max(initial=0.0)), 1e-12)
