"""Optimizers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from isthmus.recipe import Train

BETA2 = 0.999  # PyTorch's default, which every optimizer here keeps


def build_optimizer(parameters: Iterable[nn.Parameter], train: Train) -> torch.optim.Optimizer:
    """Adam, AdamW, or Keras's Adam, which is PyTorch's with the `epsilon` below set at every step.

    All use one fused kernel where there is one, which changes the speed and not the method.
    """
    kind = torch.optim.AdamW if train.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=train.learning_rate, eps=train.epsilon, weight_decay=train.weight_decay, fused=True)


def epsilon(step: int, train: Train) -> float:
    """The epsilon that PyTorch's optimizer needs at step `step` (from 0).

    Keras adds epsilon to the root of the raw second moment, PyTorch to that root divided by its bias
    correction. So Keras's Adam is PyTorch's with epsilon divided by the correction too: 32 times as large at
    first. (Epsilon hat in Kingma and Ba, arXiv 1412.6980, end of section 2.)
    """
    if train.optimizer != "keras-adam":
        return train.epsilon
    return train.epsilon / math.sqrt(1 - BETA2 ** (step + 1))


def learning_rate(step: int, total_steps: int, train: Train) -> float:
    """The learning rate of step `step` (from 0): a linear warm-up, then constant or half a cosine to zero."""
    if step < train.warmup_steps:
        return train.learning_rate * (step + 1) / train.warmup_steps
    if train.schedule == "constant":
        return train.learning_rate
    done = (step - train.warmup_steps) / max(total_steps - train.warmup_steps, 1)
    return train.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
