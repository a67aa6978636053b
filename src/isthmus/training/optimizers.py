"""Optimizers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from isthmus.core.values import Player
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import Train
from isthmus.training.muon import Muon, matrices_of


def build_optimizer(model: Autoencoder, train: Train, objective: nn.Module | None = None) -> torch.optim.Adam:
    """Adam, AdamW, Keras's Adam, which is PyTorch's with the `epsilon` below set at every step, or Muon.

    Every group of parameters has a `scale`: its rate as a multiple of the recipe's. All use one fused kernel where
    there is one, which changes the speed and not the method. On CUDA the rates are tensors, which a captured
    graph reads anew at every step. What the objective learns, such as a variance, is stepped with the model; each of
    its players has a group with a rate and betas of its own.
    """
    on_cuda = model.device.type == "cuda"
    groups: list[dict[str, Any]] = [
        {"params": parameters, "scale": scale, "matrix": matrix}
        for parameters, scale, matrix in _groups(model, train, objective)
    ]
    groups += [
        {
            "params": list(player.network.parameters()),
            "scale": player.learning_rate / train.learning_rate,
            "betas": player.betas,
            "weight_decay": 0.0,
            "matrix": False,
        }
        for player in _players(objective)
    ]
    for group in groups if on_cuda else ():
        group["lr"] = torch.tensor(train.learning_rate, device=model.device)
    return (Muon if train.optimizer == "muon" else torch.optim.Adam)(
        groups,
        lr=train.learning_rate,
        betas=(0.9, train.beta2),
        eps=train.epsilon,
        weight_decay=train.weight_decay,
        fused=True,
        capturable=on_cuda,
        decoupled_weight_decay=train.optimizer == "adamw",
    )


def kept(group: Mapping[str, Any]) -> tuple[str, ...]:
    """What an optimizer keeps of each parameter of `group`: `step` is one number, the rest like the parameter."""
    return ("momentum",) if group["matrix"] else ("step", "exp_avg", "exp_avg_sq")


def _players(objective: nn.Module | None) -> list[Player]:
    games = [part for part in objective.modules() if hasattr(part, "players")] if objective is not None else []
    return [player for game in games for player in cast("Mapping[str, Player]", game.players).values()]


def _groups(
    model: Autoencoder, train: Train, objective: nn.Module | None
) -> list[tuple[list[nn.Parameter], float, bool]]:
    """(parameters, scale of their rate, whether Muon steps them); no group is empty."""
    linear = list(model.linear.parameters()) if model.linear is not None else []
    matrices = matrices_of(model.architecture) if train.optimizer == "muon" else []
    apart = {id(parameter) for parameter in (*linear, *matrices)}
    apart |= {id(weight) for player in _players(objective) for weight in player.network.parameters()}
    learned = list(objective.parameters()) if objective is not None else []
    rest = [parameter for parameter in (*model.parameters(), *learned) if id(parameter) not in apart]
    groups = [(rest, 1.0, False), (linear, train.linear_scale, False), (matrices, train.matrix_scale, True)]
    return [group for group in groups if group[0]]


def set_rates(optimizer: torch.optim.Optimizer, step: int, total_steps: int, train: Train, done: float = 0.0) -> None:
    """Give every group of parameters the learning rate and the epsilon of step `step` (from 0).

    done: the share of the training that is over, where it may end before its last step.
    """
    rate = learning_rate(step, total_steps, train, done)
    for group in optimizer.param_groups:
        group["eps"] = epsilon(step, train)
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate * group.get("scale", 1.0))
        else:
            group["lr"] = rate * group.get("scale", 1.0)


def rate_of(optimizer: torch.optim.Optimizer) -> float:
    """The recipe's learning rate as of the last step; on CUDA this waits for the device."""
    group = optimizer.param_groups[0]
    return float(group["lr"]) / group.get("scale", 1.0)


def epsilon(step: int, train: Train) -> float:
    """The epsilon that PyTorch's optimizer needs at step `step` (from 0).

    Keras adds epsilon to the root of the raw second moment, PyTorch to that root divided by its bias
    correction. So Keras's Adam is PyTorch's with epsilon divided by the correction too: 32 times as large at
    first. (Epsilon hat in Kingma and Ba, arXiv 1412.6980, end of section 2.)
    """
    if train.optimizer != "keras-adam":
        return train.epsilon
    return train.epsilon / math.sqrt(1 - train.beta2 ** (step + 1))


def learning_rate(step: int, total_steps: int, train: Train, done: float = 0.0) -> float:
    """The learning rate of step `step` (from 0): a linear warm-up, then constant or half a cosine to zero.

    The cosine ends with the last step, or where the share `done` of the training reaches 1 before it.
    """
    if step < train.warmup_steps:
        return train.learning_rate * (step + 1) / train.warmup_steps
    if train.schedule == "constant":
        return train.learning_rate
    if train.seconds is None:
        done = (step - train.warmup_steps) / max(total_steps - train.warmup_steps, 1)
    return train.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
