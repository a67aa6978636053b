"""Weights of penalties: one per name, with a warm-up, and no reward below a floor (free nats)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from isthmus.core.errors import InputError
from isthmus.core.values import Latent
from isthmus.models.whole_batch import batch_mean


class Weights(nn.Module):
    """The weighted sum of a latent's penalties, (B,).

    weights: one for each penalty. warmup_steps: over so many steps each weight grows linearly from near 0, as in
    "Ladder Variational Autoencoders" (Sonderby et al., arXiv:1602.02282, section 2.3); in evaluation every penalty
    has its full weight. free_nats: for a penalty that is a sum over the latent's numbers, how much of each number's
    mean over the batch is free: "Improving Variational Inference with Inverse Autoregressive Flow"
    (Kingma et al., arXiv:1606.04934, equation 15).
    """

    def __init__(self, weights: Mapping[str, float], warmup_steps: int, free_nats: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)
        self.free_nats = dict(free_nats)
        self.warmup_steps = warmup_steps
        for name in self.free_nats:
            if name not in self.weights:
                raise InputError(f"objective.free_nats.{name}: does nothing without objective.weights.{name}; set both")
        if warmup_steps and not self.weights:
            raise InputError("objective.warmup_steps: does nothing without objective.weights; leave it out")
        # a tensor, because a captured CUDA graph reads its current value at every step
        self.ramp = nn.Buffer(torch.ones(()), persistent=False)

    def begin_step(self, step: int) -> None:
        """Set the weights for optimizer step `step` (from 0)."""
        if self.warmup_steps:
            self.ramp.fill_(min(1.0, (step + 1) / self.warmup_steps))

    def forward(self, latent: Latent, *, besides: tuple[str, ...] = ()) -> Tensor | None:
        """The sum over all penalties except those named in `besides`; None if there are none.

        Raises KeyError for a penalty without a weight.
        """
        total: Tensor | None = None
        for name, penalty in latent.penalties.items():
            if name in besides:
                continue
            weight = self.weights[name]
            if name in self.free_nats:
                penalty = self._above_floor(name, latent).expand_as(penalty)
            total = weight * penalty if total is None else total + weight * penalty
        if total is None or not (self.training and self.warmup_steps):
            return total
        return self.ramp * total

    def _above_floor(self, name: str, latent: Latent) -> Tensor:
        if name not in latent.by_dimension:
            raise InputError(
                f"objective.free_nats.{name}: this penalty is no sum over the latent's numbers; leave it out"
            )
        return batch_mean(latent.by_dimension[name]).clamp(min=self.free_nats[name]).sum()
