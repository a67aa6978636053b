"""Builds optimizers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from isthmus.core.values import Adversary
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import Objective
from isthmus.recipes.recipe import Train
from isthmus.training.muon import Muon, matrices_of


def build_optimizer(model: Autoencoder, train: Train, objective: Objective | None = None) -> torch.optim.Adam:
    """Adam, AdamW, Keras's Adam, which is PyTorch's with the `epsilon` below set at every step, or Muon.

    Every group of parameters has a `scale`: its rate as a multiple of the recipe's. All use one fused kernel where
    there is one, which changes the speed and not the method. On CUDA the rates are tensors, which a captured
    graph reads anew at every step. What the objective learns, such as a variance, is stepped with the model; each of
    its adversaries has a group with a rate and betas of its own.
    """
    on_cuda = model.device.type == "cuda"
    groups: list[dict[str, Any]] = [
        {"params": parameters, "scale": scale, "matrix": matrix}
        for parameters, scale, matrix in _groups(model, train, objective)
    ]
    groups += [
        {
            "params": list(adversary.network.parameters()),
            "scale": adversary.learning_rate / train.learning_rate,
            "betas": adversary.betas,
            "weight_decay": 0.0,
            "matrix": False,
        }
        for adversary in _adversaries(objective)
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
    """Names of the optimizer's state for each parameter of `group`: `step` is one number, the rest have its shape."""
    return ("momentum",) if group["matrix"] else ("step", "exp_avg", "exp_avg_sq")


def _adversaries(objective: Objective | None) -> list[Adversary]:
    return [] if objective is None else list(objective.regularizer.adversaries.values())


def _groups(
    model: Autoencoder, train: Train, objective: Objective | None
) -> list[tuple[list[nn.Parameter], float, bool]]:
    """(parameters, scale of their rate, whether Muon steps them); no group is empty."""
    linear = list(model.linear.parameters()) if model.linear is not None else []
    matrices = matrices_of(model.architecture) if train.optimizer == "muon" else []
    apart = {id(parameter) for parameter in (*linear, *matrices)}
    apart |= {id(weight) for adversary in _adversaries(objective) for weight in adversary.network.parameters()}
    learned = list(objective.parameters()) if objective is not None else []
    rest = [parameter for parameter in (*model.parameters(), *learned) if id(parameter) not in apart]
    groups = [(rest, 1.0, False), (linear, train.linear_scale, False), (matrices, train.matrix_scale, True)]
    return [group for group in groups if group[0]]


def set_rates(optimizer: torch.optim.Optimizer, step: int, total_steps: int, train: Train, done: float = 0.0) -> None:
    """Set every group's learning rate and epsilon for step `step` (from 0).

    done: the share of the training that is over; a time limit may end training before its last step.
    """
    rate = learning_rate(step, total_steps, train, done)
    for group in optimizer.param_groups:
        group["eps"] = epsilon(step, train)
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate * group.get("scale", 1.0))
        else:
            group["lr"] = rate * group.get("scale", 1.0)


def rate_of(optimizer: torch.optim.Optimizer) -> float:
    """The recipe's learning rate in the last step; on CUDA this waits for the device."""
    group = optimizer.param_groups[0]
    return float(group["lr"]) / group.get("scale", 1.0)


def epsilon(step: int, train: Train) -> float:
    """The epsilon for PyTorch's optimizer at step `step` (from 0).

    Keras adds epsilon to the root of the raw second moment, PyTorch to that root divided by its bias
    correction. So Keras's Adam is PyTorch's with epsilon divided by the correction too: 32 times as large at
    first. (Epsilon hat in Kingma and Ba, arXiv 1412.6980, end of section 2.)
    """
    if train.optimizer != "keras-adam":
        return train.epsilon
    return train.epsilon / math.sqrt(1 - train.beta2 ** (step + 1))


def learning_rate(step: int, total_steps: int, train: Train, done: float = 0.0) -> float:
    """The learning rate of step `step` (from 0): a linear warm-up, then constant or half a cosine to zero.

    The cosine ends with the last step or, under train.seconds, when the share `done` of the training reaches 1.
    """
    if step < train.warmup_steps:
        return train.learning_rate * (step + 1) / train.warmup_steps
    if train.schedule == "constant":
        return train.learning_rate
    if train.seconds is None:
        done = (step - train.warmup_steps) / max(total_steps - train.warmup_steps, 1)
    return train.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
