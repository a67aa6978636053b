"""A Gaussian mixture fitted to latents, from which to draw if a model has no prior."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from isthmus.core.streams import sealed

_MOST_COORDINATES = 32
_MOST_PARTS = 10
_LATENTS_A_PART = 200


def fit(coordinates: np.ndarray) -> dict[str, np.ndarray]:
    """coordinates (N, K) in standard deviations, widest direction first -> weights (M,), means (M, Q) and lower
    Cholesky factors (M, Q, Q) of a mixture over the first Q; deterministic."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    held = coordinates[:, :_MOST_COORDINATES]
    parts = int(np.clip(len(held) // _LATENTS_A_PART, 1, _MOST_PARTS))
    mixture: Any = GaussianMixture(parts, covariance_type="full", reg_covar=1e-3, random_state=sealed("latent mixture"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # an unconverged mixture is good enough here
        mixture.fit(held)
    return {
        "mixture/weights": mixture.weights_.astype(np.float32),
        "mixture/means": mixture.means_.astype(np.float32),
        "mixture/factors": np.linalg.cholesky(mixture.covariances_).astype(np.float32),
    }
