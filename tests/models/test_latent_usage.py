"""What is measured on latents."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.models import latent_usage
from isthmus.models.latent_usage import covariance, principal_directions


def test_wide_latents_have_the_directions_that_their_covariance_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found from the products of the latents, without a matrix of all numbers by all numbers."""
    z = np.random.default_rng(0).normal(3, 2, (12, 40)).astype(np.float32)
    variances, directions = np.linalg.eigh(covariance(z))
    monkeypatch.setattr(latent_usage, "_WIDE", 20)
    found, along = principal_directions(z)
    assert along.shape == (40, 12)
    assert np.allclose(found[1:], variances[-11:], rtol=1e-6), "of 12 latents, one direction has no variance"
    assert found[0] < 1e-6
    assert np.allclose(np.abs((along[:, 1:] * directions[:, -11:]).sum(0)), 1)
