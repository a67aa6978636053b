"""The power spherical posterior: on the sphere, around its mean, and as far from uniform as it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.models.bottlenecks.hypersphere import Hypersphere, kl_to_uniform


def drawn(dim: int, mean: torch.Tensor, concentration: float, count: int = 20_000) -> torch.Tensor:
    part = Hypersphere((1, 1, 1), dim=dim)
    rows = mean.expand(count, dim)
    return part._draw(rows, torch.full((count,), concentration), torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("dim", "concentration"), [(2, 1.0), (3, 1.5), (3, 40.0), (16, 7.0)])
def test_kl_is_the_integral_of_its_definition(dim: int, concentration: float) -> None:
    """Along the height t the density is (1 + t)^k (1 - t^2)^((d - 3) / 2) up to a factor; uniform is k = 0."""
    t = np.cos((np.arange(400_000) + 0.5) / 400_000 * np.pi)  # even angles: no pole in the integrand at d = 2
    around = (1 - t**2) ** ((dim - 2) / 2)
    posterior, uniform = (1 + t) ** concentration * around, around
    p, q = posterior / posterior.sum(), uniform / uniform.sum()
    expected = float((p * np.log(np.maximum(p, 1e-300) / q)).sum())
    found = kl_to_uniform(torch.tensor([concentration], dtype=torch.float64), dim)
    assert found.item() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("dim", [2, 3, 32])
def test_samples_lie_on_the_sphere_around_their_mean(dim: int) -> None:
    mean = torch.nn.functional.normalize(torch.arange(1.0, dim + 1), dim=0)
    z = drawn(dim, mean, 10.0)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(len(z)), atol=1e-5, rtol=0)
    # the height is 2 Beta(alpha, beta) - 1, so its mean is (alpha - beta) / (alpha + beta)
    expected = 10.0 / (10.0 + dim - 1)
    assert (z @ mean).mean().item() == pytest.approx(expected, abs=0.01)
    away = z.mean(0) - expected * mean
    assert away.norm() < 0.02


def test_evaluation_gives_the_mean_direction_and_gradients_reach_the_concentration() -> None:
    torch.manual_seed(0)
    part = Hypersphere((4, 2, 2), dim=5)
    h = torch.randn(7, 4, 2, 2)
    torch.testing.assert_close(part.eval()(h).z.norm(dim=1), torch.ones(7))
    latent = part.train()(h, generator=torch.Generator().manual_seed(0))
    (latent.z[:, 0] ** 2).sum().backward()
    assert part.to_posterior.weight.grad is not None
    assert part.to_posterior.weight.grad[-1].abs().sum() > 0, "the concentration learns from the sample"


def test_more_concentration_is_further_from_uniform() -> None:
    kl = kl_to_uniform(torch.linspace(1, 500, 50), 10)
    assert (kl.diff() > 0).all()
    assert kl[0] > 0
