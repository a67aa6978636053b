"""Objectives that change with the step, that learn and that play: each sees its own gradient, all of it is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import TINY
from torch import Tensor, nn

from isthmus.core.values import Adversary, Terms, Trace
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.interfaces import Distortion, Regularizer
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.run_files.state import Progress
from isthmus.training import checkpoint
from isthmus.training.batches import Batches
from isthmus.training.optimizers import build_optimizer, set_rates
from isthmus.training.steps import EagerStep


class Game(Regularizer):
    """Asks for small latents, and has an adversary that learns to guess their sum."""

    def __init__(self) -> None:
        super().__init__()
        self.guesser = nn.Linear(3, 1)
        self.adversaries = {"guesser": Adversary(self.guesser, 1e-2)}
        self.seen: list[Trace] = []

    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        guess = self.guesser(trace.latent.z.float()).squeeze(1)
        return Terms(1e3 * guess.square(), {"guess": guess})

    def adversary_terms(self, trace: Trace) -> Terms:
        self.seen.append(trace)
        error = (self.guesser(trace.latent.z.float()).squeeze(1) - trace.latent.z.sum(1)).square()
        return Terms(error, {"guess_error": error})


class Stepping:
    """One model whose objective plays, ready to step."""

    def __init__(self, changes: dict[str, Any] | None = None) -> None:
        self.recipe: Recipe = load_recipe("post/latent-10", {**TINY, "train.batch": 4, **(changes or {})})
        torch.manual_seed(0)
        self.model = Autoencoder(self.recipe, (3, 16, 16))
        self.objective = build_objective(self.recipe, self.model)
        self.objective.regularizer = self.game = Game()
        self.optimizer = build_optimizer(self.model, self.recipe.train, self.objective)
        pixels = torch.randint(0, 256, (12, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
        self.take = EagerStep(
            self.model,
            self.objective,
            self.optimizer,
            Batches(pixels, 4, seed=0, mirror=False),
            self.recipe.train,
            precision="fp32",
            seed=0,
        )

    def step(self, number: int = 0) -> Terms:
        set_rates(self.optimizer, number, 1000, self.recipe.train)
        return self.take(torch.arange(4), number)


def test_an_adversary_steps_on_its_own_loss_alone() -> None:
    """Were the model's loss to reach it, its gradient would be a thousand times as large and point elsewhere."""
    stepping = Stepping()
    terms = stepping.step()
    assert {"guess", "guess_error"} <= set(terms.terms)
    (seen,) = stepping.game.seen
    assert not seen.latent.z.requires_grad
    assert not seen.x_hat.requires_grad
    found = stepping.game.guesser.weight.grad
    twin = nn.Linear(3, 1)
    torch.manual_seed(0)
    fresh = Stepping()
    twin.load_state_dict(fresh.game.guesser.state_dict())
    error = (twin(seen.latent.z).squeeze(1) - seen.latent.z.sum(1)).square().mean()
    (expected,) = torch.autograd.grad(error, [twin.weight])
    assert found is not None
    torch.testing.assert_close(found, expected)


def test_an_adversary_has_a_rate_of_its_own_that_follows_the_schedule() -> None:
    stepping = Stepping({"train.learning_rate": 1e-3, "train.schedule": "cosine", "train.warmup_steps": 0})
    (group,) = [g for g in stepping.optimizer.param_groups if stepping.game.guesser.weight in set(g["params"])]
    assert group["betas"] == (0.5, 0.9)
    for step, share in ((0, 1.0), (50, 0.5), (100, 0.0)):
        set_rates(stepping.optimizer, step, 100, stepping.recipe.train)
        assert group["lr"] == pytest.approx(1e-2 * share)


def test_adversaries_get_better_while_the_model_trains() -> None:
    stepping = Stepping(
        {"train.learning_rate": 1e-5, "train.warmup_steps": 0}
    )  # the adversary's own rate is a thousand times that
    errors = [stepping.step(number).terms["guess_error"].mean().item() for number in range(60)]
    assert errors[-1] < 0.5 * errors[0]


class Learned(Distortion):
    """A distortion with one number to learn, and a note of the steps it was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.steps: list[int] = []

    def begin_step(self, step: int) -> None:
        self.steps.append(step)

    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        return (x_hat - x).square().flatten(1).sum(1) * self.scale.square()


def test_what_an_objective_learns_is_stepped_and_told_of_each_step() -> None:
    stepping = Stepping()
    stepping.objective.distortion = learned = Learned()
    optimizer = build_optimizer(stepping.model, stepping.recipe.train, stepping.objective)
    take = EagerStep(
        stepping.model,
        stepping.objective,
        optimizer,
        stepping.take.batches,
        stepping.recipe.train,
        precision="fp32",
        seed=0,
    )
    for number in (0, 1):
        take(torch.arange(4), number)
    assert learned.scale.item() != 1.0
    assert learned.steps == [0, 1]


def test_a_checkpoint_holds_what_the_objective_learned(tmp_path: Path) -> None:
    stepping = Stepping()
    for number in range(3):
        stepping.step(number)
    checkpoint.save(
        tmp_path / "last", stepping.model, Progress(step=3), stepping.optimizer, objective=stepping.objective
    )
    again = Stepping()
    checkpoint.load(tmp_path / "last", again.model, again.optimizer, objective=again.objective)
    assert torch.equal(again.game.guesser.weight, stepping.game.guesser.weight)
    stepping.step(3)
    again.step(3)
    for one, other in ((stepping.model, again.model), (stepping.objective, again.objective)):
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name]), name


def test_an_objective_that_learns_nothing_leaves_no_file(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    model = Autoencoder(tiny(), (3, 16, 16))
    checkpoint.save(tmp_path / "best", model, Progress(), objective=build_objective(tiny(), model))
    assert sorted(file.name for file in (tmp_path / "best").iterdir()) == ["model.safetensors", "state.json"]
