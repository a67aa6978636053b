"""A training whose numbers are no longer finite."""

from __future__ import annotations

import torch

from isthmus.core.errors import RunError


class Diverged(RunError):
    """The loss or a weight stopped being a finite number."""

    def __init__(self, step: int, optimizer: torch.optim.Optimizer, what: str = "the loss") -> None:
        super().__init__(
            f"{what} stopped being finite by step {step} at learning rate {optimizer.param_groups[0]['lr']:.3g}; "
            "try a train.learning_rate ten times lower, or train.clip_norm=1.0"
        )
