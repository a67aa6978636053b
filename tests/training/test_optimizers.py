"""Optimizers and schedules, against the formulas they are named after."""

from __future__ import annotations

import itertools
import math
from typing import cast

import pytest
import torch
from torch import nn

from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import Train
from isthmus.training.optimizers import build_optimizer, epsilon, learning_rate


class Held(nn.Module):
    """A model of one weight."""

    linear = None
    device = torch.device("cpu")

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight
        self.architecture = nn.Module()


def holding(weight: nn.Parameter) -> Autoencoder:
    return cast(Autoencoder, Held(weight))


def test_cosine_falls_from_the_rate_to_nearly_zero() -> None:
    train = Train(learning_rate=2e-3, schedule="cosine")
    rates = [learning_rate(step, 100, train) for step in range(101)]
    assert rates[0] == 2e-3
    assert rates[50] == pytest.approx(1e-3)
    assert 0 < rates[99] < 2e-3 * 3e-4, "the last step still learns, hardly"
    assert rates[100] == 0
    assert all(later < earlier for earlier, later in itertools.pairwise(rates))


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_warm_up_rises_in_equal_steps_to_the_rate(schedule: str) -> None:
    train = Train.model_validate({"learning_rate": 0.4, "schedule": schedule, "warmup_steps": 4})
    assert [learning_rate(step, 20, train) for step in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])
    last = learning_rate(19, 20, train)
    assert last == 0.4 if schedule == "constant" else 0 < last < 0.01


def test_constant_is_constant() -> None:
    train = Train(learning_rate=1e-5, schedule="constant")
    assert {learning_rate(step, 7, train) for step in (0, 3, 6, 7, 1000)} == {1e-5}


def test_a_warm_up_longer_than_the_training_never_divides_by_zero() -> None:
    train = Train(learning_rate=0.4, warmup_steps=8)
    assert learning_rate(3, 4, train) == pytest.approx(0.2)
    assert learning_rate(8, 8, train) == pytest.approx(0.4)


def test_keras_adam_takes_kerass_steps() -> None:
    """Keras adds epsilon to the root of the uncorrected second moment; with 1e-2 the difference is large."""
    train = Train(optimizer="keras-adam", learning_rate=0.1, epsilon=1e-2, schedule="constant")
    gradients = [torch.tensor([0.3, -0.002]), torch.tensor([-0.1, 0.001]), torch.tensor([0.2, 0.0])]
    weight = nn.Parameter(torch.tensor([1.0, -1.0]))
    optimizer = build_optimizer(holding(weight), train)
    for step, gradient in enumerate(gradients):
        optimizer.param_groups[0]["eps"] = epsilon(step, train)
        weight.grad = gradient.clone()
        optimizer.step()

    expected, first, second = [1.0, -1.0], [0.0, 0.0], [0.0, 0.0]
    for step, gradient in enumerate(gradients, start=1):
        rate = 0.1 * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for i, slope in enumerate(gradient.tolist()):
            first[i] += (slope - first[i]) * 0.1
            second[i] += (slope**2 - second[i]) * 0.001
            expected[i] -= rate * first[i] / (math.sqrt(second[i]) + 1e-2)
    torch.testing.assert_close(weight.detach(), torch.tensor(expected))


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_other_optimizers_keep_their_epsilon(name: str) -> None:
    train = Train.model_validate({"optimizer": name, "epsilon": 1e-6})
    assert epsilon(0, train) == epsilon(500, train) == 1e-6
    assert build_optimizer(holding(nn.Parameter(torch.ones(1))), train).param_groups[0]["eps"] == 1e-6


def test_adamw_decays_weights_apart_from_the_gradient() -> None:
    """Without a gradient AdamW shrinks a weight by rate times decay; Adam's decay goes through its moments."""
    settings = {"learning_rate": 0.1, "weight_decay": 0.5}
    left: dict[str, float] = {}
    for name in ("adamw", "adam"):
        weight = nn.Parameter(torch.ones(1))
        weight.grad = torch.zeros(1)
        build_optimizer(holding(weight), Train.model_validate({"optimizer": name, **settings})).step()
        left[name] = weight.item()
    assert left == pytest.approx({"adamw": 1 - 0.1 * 0.5, "adam": 1 - 0.1})
