"""Variational families: closed forms, bounds, and what their papers say happens."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from tests.families.small import Trained, gaussian, trained
from torch.distributions import Independent, Normal, kl_divergence

from isthmus.core import registry
from isthmus.core.values import Latent, Posterior
from isthmus.evaluation.latents.likelihood_bounds import bounds
from isthmus.models.distortions.gaussian import Gaussian as GaussianLikelihood
from isthmus.models.distortions.logistic import Logistic
from isthmus.models.objectives._weights import Weights

SIGMA = {"distortion.kind": "gaussian"}


def test_kl_is_the_closed_form() -> None:
    torch.manual_seed(0)
    part = registry.build("bottlenecks", "gaussian", {"dim": 4}, (5, 4, 4))
    latent = part(torch.randn(6, 5, 4, 4))
    assert latent.posterior is not None
    normal = Normal(latent.posterior.mean, (0.5 * latent.posterior.log_variance).exp())
    expected = kl_divergence(Independent(normal, 1), Independent(Normal(torch.zeros(6, 4), 1.0), 1))
    torch.testing.assert_close(latent.penalties["kl"], expected)
    z = latent.posterior.draw()
    torch.testing.assert_close(latent.posterior.log_density(z), normal.log_prob(z).sum(1))


def test_rate_falls_and_distortion_rises_with_beta() -> None:
    found = [trained(gaussian(objective__weights__kl=beta)) for beta in (0.25, 4.0, 64.0)]
    rates, errors = [one.mean("kl") for one in found], [one.mse() for one in found]
    assert rates[0] > rates[1] > rates[2]
    assert errors[0] < errors[1] < errors[2]


def test_weights_grow_over_the_warm_up_and_rest_in_evaluation() -> None:
    weigh = Weights({"kl": 2.0}, 10, {})
    latent = Latent(torch.zeros(3, 2), {"kl": torch.ones(3)})
    found: list[float] = []
    for step in (0, 4, 9, 50):
        weigh.begin_step(step)
        total = weigh(latent)
        assert total is not None
        found.append(total[0].item())
    assert found == pytest.approx([0.2, 1.0, 2.0, 2.0])
    weigh.begin_step(0)
    total = weigh.eval()(latent)
    assert total is not None
    assert total[0].item() == 2.0


def test_free_nats_are_not_paid_for() -> None:
    each = torch.tensor([[0.1, 2.0], [0.2, 4.0]])
    latent = Latent(torch.zeros(2, 2), {"kl": each.sum(1)}, by_dimension={"kl": each})
    total = Weights({"kl": 1.0}, 0, {"kl": 0.5})(latent)
    assert total is not None
    torch.testing.assert_close(total, torch.tensor([3.5, 3.5]))  # the floor of the first number, the mean of the second


def test_free_nats_keep_numbers_from_collapsing() -> None:
    """Under a rate that costs a lot, numbers keep about what is free."""
    plain, free = (
        trained(gaussian(objective__weights__kl=64.0, **({"objective__free_nats": {"kl": 0.5}} if kept else {})))
        for kept in (False, True)
    )
    assert free.mean("kl") > max(plain.mean("kl"), 0.6 * 0.5 * 8)
    assert free.mse() < plain.mse()


@pytest.mark.parametrize("highest", [255, 65535])
def test_a_gaussian_likelihood_is_a_normal_density_times_a_grey_level(highest: int) -> None:
    x, x_hat = torch.rand(2, 5, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for part in (GaussianLikelihood(std=0.2), GaussianLikelihood()):
        part.set_levels(highest)
        std = part.log_std.exp()
        expected = -(Normal(x_hat, std).log_prob(x) + math.log(2 / highest)).flatten(1).sum(1)
        torch.testing.assert_close(part(x_hat, x), expected)


def test_a_learned_deviation_becomes_the_error() -> None:
    made = trained({**gaussian(), **SIGMA, "train.epochs": 40})
    with torch.no_grad():
        error = (made.model(made.test()).x_hat - made.test()).square().mean().sqrt().item()
    assert made.objective.distortion.log_std.exp().item() == pytest.approx(error, rel=0.3)


@pytest.mark.parametrize("around", [-1.0, -0.3, 0.0, 0.77, 1.0])
@pytest.mark.parametrize("scale", [0.01, 0.15])
@pytest.mark.parametrize("highest", [255, 65535])
def test_a_discretised_logistics_mass_is_one(around: float, scale: float, highest: int) -> None:
    part = Logistic()
    part.set_levels(highest)
    with torch.no_grad():
        part.moved.fill_((math.log(scale) - part.log_scale.item()) / 10)
    assert part.log_scale.exp().item() == pytest.approx(scale)
    levels = torch.arange(highest + 1).view(-1, 1, 1, 1) / (highest / 2) - 1
    mass = (-part(torch.full_like(levels, around), levels)).exp()
    assert mass.sum().item() == pytest.approx(1.0, abs=2e-3)
    if abs(around) < 1:  # the outermost levels have the tails
        assert levels.flatten()[mass[1:-1].argmax() + 1].item() == pytest.approx(around, abs=0.002 + 2 / highest)


@pytest.fixture(scope="module")
def sigma() -> Trained:
    return trained({**gaussian(), **SIGMA})


def test_the_importance_weighted_bound_rises_from_the_elbo(sigma: Trained) -> None:
    images = sigma.splits.test.images[:100]
    found = [bounds(sigma.model, sigma.objective.distortion, images, samples=k) for k in (1, 5, 50)]
    assert found[0].importance_weighted == pytest.approx(found[0].elbo)
    assert (found[2].importance_weighted >= found[2].elbo - 1e-9).all()
    means = [one.importance_weighted.mean() for one in found]
    assert means[0] < means[1] < means[2]
    summary = found[1].summary(3 * 16 * 16, 5)
    assert summary.bits_per_dimension == pytest.approx(-means[1] / (3 * 16 * 16) / math.log(2))


def test_the_elbo_is_the_objectives(sigma: Trained) -> None:
    """What training minimises, per pixel value, is the negative ELBO; the bound draws, so they agree on average."""
    images = sigma.splits.test.images[:100]
    found = bounds(sigma.model, sigma.objective.distortion, images, samples=50).elbo.mean()
    torch.manual_seed(0)
    sigma.model.train()
    sigma.model.architecture.eval()
    with torch.no_grad():
        losses = [sigma.objective(sigma.model, sigma.model(sigma.test()[:100])).loss.mean() for _ in range(50)]
    sigma.model.eval()
    assert torch.stack(losses).mean().item() * 3 * 16 * 16 == pytest.approx(-found, rel=5e-3)


def test_samples_are_averaged() -> None:
    """Five samples an image are five times the draws of one expectation."""
    torch.manual_seed(0)
    part = registry.build("bottlenecks", "gaussian", {"dim": 4, "samples": 5}, (5, 4, 4)).train()
    latent = part(torch.randn(6, 5, 4, 4))
    assert latent.z.shape == (30, 4)
    assert latent.penalties["kl"].shape == (6,)
    centred = latent.z.unflatten(0, (6, 5)) - latent.posterior.mean[:, None]
    assert (centred.std(1) > 0).all()
    assert part.eval()(torch.randn(6, 5, 4, 4)).z.shape == (6, 4)


PRIORS = ["standard", "mixture", "vamp", "flow"]


@pytest.mark.parametrize("kind", PRIORS)
def test_a_priors_density_integrates_to_one(kind: str) -> None:
    torch.manual_seed(0)
    part = registry.build("priors", kind, {}, (2,), (3, 4, 4))
    for weight in part.parameters():
        weight.data += (0.05 if kind == "flow" else 0.3) * torch.randn_like(weight)

    def posterior_of(x: torch.Tensor) -> Posterior:
        return Posterior(2 * x.flatten(1)[:, :2], x.flatten(1)[:, 2:4])

    side = torch.linspace(-12, 12, 601)
    grid = torch.cartesian_prod(side, side)
    with torch.no_grad():
        mass = part(grid, posterior_of).exp().sum() * (side[1] - side[0]) ** 2
        drawn = part.sample(20_000, posterior_of, torch.Generator().manual_seed(0))
        # the mean of log p over draws is minus the entropy, as its integral is
        inside = part(drawn, posterior_of).mean()
        density = part(grid, posterior_of)
    expected = (density.exp() * density).sum() * (side[1] - side[0]) ** 2
    assert mass.item() == pytest.approx(1, abs=5e-3)
    assert inside.item() == pytest.approx(expected.item(), abs=0.05)


LONGER = {**SIGMA, "train.epochs": 30}
LEARNED: dict[str, dict[str, Any]] = {
    "mixture": {"prior.kind": "mixture"},
    "vamp": {"prior.kind": "vamp"},
    "flow": {"prior.kind": "flow", "prior.couplings": 3, "prior.width": 64},
}


def elbos(changes: dict[str, Any], *, weighted: bool = False) -> np.ndarray:
    """Of three seeds: the mean bound of test images."""
    means: list[float] = []
    for seed in range(3):
        made = trained({**LONGER, **changes, "seed": seed})
        found = bounds(made.model, made.objective.distortion, made.splits.test.images, samples=10)
        means.append(float((found.importance_weighted if weighted else found.elbo).mean()))
    return np.array(means)


def not_below(found: np.ndarray, against: np.ndarray) -> bool:
    """Whether a mean over seeds is at least the other, up to the luck of training (two standard errors)."""
    luck = math.sqrt((found.var(ddof=1) + against.var(ddof=1)) / len(found))
    return float(found.mean() - against.mean()) > -2 * luck


@pytest.mark.slow
def test_learned_priors_are_no_worse_than_the_standard_one() -> None:
    standard = elbos(gaussian())
    for kind, changes in LEARNED.items():
        assert not_below(elbos({**gaussian(), **changes}), standard), kind


@pytest.mark.slow
def test_training_on_the_importance_weighted_bound_gives_a_better_bound() -> None:
    weighted = {
        "bottleneck.kind": "gaussian",
        "bottleneck.dim": 8,
        "bottleneck.samples": 5,
        "objective.kind": "importance",
    }
    found, plain = elbos(weighted, weighted=True), elbos(gaussian(), weighted=True)
    assert not_below(found, plain)
    assert found.mean() > plain.mean()


@pytest.mark.slow
def test_a_second_level_of_a_ladder_makes_the_bound_no_worse() -> None:
    """The ELBO of 8 numbers, and of the same 8 below 4 more: distortion and KL of drawn latents."""
    found: list[np.ndarray] = []
    for dims in ([8], [4, 8]):
        means: list[float] = []
        for seed in range(3):
            changes = {"bottleneck.kind": "ladder", "bottleneck.dims": dims, "objective.weights.kl": 1.0}
            made = trained({**LONGER, **changes, "seed": seed})
            made.model.bottleneck.train()
            torch.manual_seed(0)
            with torch.no_grad():
                each = [made.objective(made.model, made.model(made.test())).loss for _ in range(10)]
            means.append(-torch.stack(each).mean().item() * 3 * 16 * 16)
        found.append(np.array(means))
    assert not_below(found[1], found[0])


def test_a_ladder_with_one_level_is_the_gaussian() -> None:
    torch.manual_seed(0)
    part = registry.build("bottlenecks", "ladder", {"dims": [4]}, (5, 4, 4))
    twin = registry.build("bottlenecks", "gaussian", {"dim": 4}, (5, 4, 4))
    twin.to_posterior.load_state_dict(part.to_posterior.state_dict())
    h = torch.randn(6, 5, 4, 4)
    torch.testing.assert_close(part(h).penalties["kl"], twin(h).penalties["kl"])
    torch.testing.assert_close(part.eval()(h).z, twin.eval()(h).z)
