"""Sums up what training steps report, and says when it is time to log."""

from __future__ import annotations

import math
import time

import torch
from torch import Tensor

from isthmus.core.values import Terms
from isthmus.models.processes import ALONE, Processes
from isthmus.models.widest import widest_dtype
from isthmus.run_files.state import Progress
from isthmus.training.diverged import Diverged
from isthmus.training.optimizers import rate_of

LOG_STEPS = 50
LOG_SECONDS = 5.0  # on CUDA, only time counts: reading the sums waits until the device has finished all its steps


class Meter:
    """Running sums on the device, so that only reading them waits for the device."""

    def __init__(self, progress: Progress, processes: Processes = ALONE, *, waits: bool) -> None:
        self.progress, self.processes = progress, processes
        self.waits = waits
        self.clock = time.perf_counter()
        self.losses: list[Tensor] = []  # of each step
        self.sums: dict[str, Tensor] = {}
        self.images = 0
        self.steps = 0
        self.images_per_second = 0.0

    def add(self, terms: Terms, images: int) -> None:
        """terms: of this process's share of a batch of `images`, or of all of them where it is not shared."""
        # what every process has computed is counted once
        counts = len(terms.loss) < images or self.processes.first
        for name, value in {"loss": terms.loss, **terms.terms}.items():
            total = value.sum(dtype=widest_dtype(value.device))
            if not counts:
                total.zero_()
            self.sums[name] = self.sums[name] + total if name in self.sums else total
            if name == "loss":
                self.losses.append(total)
        self.images += images
        self.steps += 1

    def seconds(self) -> float:
        """Training time so far, also before a resume; on CUDA, of the steps launched, not of those finished."""
        return self.progress.seconds + time.perf_counter() - self.clock

    def full(self) -> bool:
        """Whether there are as many steps as a log sums up."""
        return self.steps >= LOG_STEPS and not self.waits

    def late(self) -> bool:
        """Whether it is time for a log."""
        return time.perf_counter() - self.clock > LOG_SECONDS

    def read(self, optimizer: torch.optim.Optimizer) -> dict[str, float]:
        """Means since the last read; also brings `progress` up to date.

        Raises Diverged where the loss is not finite.
        """
        progress = self.progress
        found = torch.stack((*self.sums.values(), *self.losses)).cpu().double()
        now = time.perf_counter()
        elapsed, self.clock = now - self.clock, now
        # the time is the first process's, so that all have the same
        elapsed, *found = self.processes.added(
            torch.cat((torch.tensor([elapsed * self.processes.first], dtype=torch.float64), found))
        ).tolist()
        log = {name: value / self.images for name, value in zip(self.sums, found, strict=False)}
        if not math.isfinite(log["loss"]):
            raise Diverged(progress.step, optimizer)
        progress.seconds += elapsed
        for loss in found[len(self.sums) :]:  # step by step: the same bits wherever a run was interrupted
            progress.loss_sum += loss
        progress.images += self.images
        progress.seen += self.images
        self.images_per_second = self.images / max(elapsed, 1e-9)
        self.sums, self.losses, self.images, self.steps = {}, [], 0, 0
        return {**log, "learning_rate": rate_of(optimizer), "images_per_second": self.images_per_second}
