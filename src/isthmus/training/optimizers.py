"""Optimizers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from isthmus.recipe import Train


def build_optimizer(parameters: Iterable[nn.Parameter], train: Train) -> torch.optim.Optimizer:
    """Adam or AdamW; one fused kernel where there is one, which changes the speed and not the method."""
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[train.optimizer]
    return kind(parameters, lr=train.learning_rate, eps=train.epsilon, weight_decay=train.weight_decay, fused=True)


def learning_rate(step: int, total_steps: int, train: Train) -> float:
    """The learning rate of step `step` (from 0): a linear warm-up, then constant or half a cosine to zero."""
    if step < train.warmup_steps:
        return train.learning_rate * (step + 1) / train.warmup_steps
    if train.schedule == "constant":
        return train.learning_rate
    done = (step - train.warmup_steps) / max(total_steps - train.warmup_steps, 1)
    return train.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
