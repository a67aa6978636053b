"""Sums up what training steps report, and says when it is time to log."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor

from isthmus.core.values import Terms
from isthmus.models.widest import widest_dtype
from isthmus.run_files.state import Progress
from isthmus.training.diverged import Diverged
from isthmus.training.optimizers import rate_of

LOG_STEPS = 50
LOG_SECONDS = 5.0  # on CUDA, only time counts: reading the sums waits until the device has finished all its steps


class Meter:
    """Running sums on the device, so that only reading them waits for the device."""

    def __init__(self, progress: Progress, *, waits: bool) -> None:
        self.progress = progress
        self.waits = waits
        self.clock = time.perf_counter()
        # One sum over the epoch, added to step by step: the same bits wherever a run was interrupted.
        self.epoch_loss = torch.tensor(progress.loss_sum, dtype=torch.float64)
        self.sums: dict[str, Tensor] = {}
        self.images = 0
        self.steps = 0
        self.images_per_second = 0.0

    def add(self, terms: Terms) -> None:
        for name, value in {"loss": terms.loss, **terms.terms}.items():
            total = value.sum(dtype=widest_dtype(value.device))
            self.sums[name] = self.sums[name] + total if name in self.sums else total
            if name == "loss":
                self.epoch_loss = self.epoch_loss.to(total) + total
        self.images += len(terms.loss)
        self.steps += 1

    def seconds(self) -> float:
        """Training time so far, also before a resume; on CUDA, of the steps launched, not of those finished."""
        return self.progress.seconds + time.perf_counter() - self.clock

    def due(self) -> bool:
        return (self.steps >= LOG_STEPS and not self.waits) or time.perf_counter() - self.clock > LOG_SECONDS

    def read(self, optimizer: torch.optim.Optimizer) -> dict[str, float]:
        """Means since the last read; also brings `progress` up to date.

        Raises Diverged where the loss is not finite.
        """
        progress = self.progress
        log = {name: value.item() / self.images for name, value in self.sums.items()}
        now = time.perf_counter()
        elapsed, self.clock = now - self.clock, now
        if not math.isfinite(log["loss"]):
            raise Diverged(progress.step, optimizer)
        progress.seconds += elapsed
        progress.loss_sum = self.epoch_loss.item()
        progress.images += self.images
        progress.seen += self.images
        self.images_per_second = self.images / max(elapsed, 1e-9)
        self.sums, self.images, self.steps = {}, 0, 0
        return {**log, "learning_rate": rate_of(optimizer), "images_per_second": self.images_per_second}
