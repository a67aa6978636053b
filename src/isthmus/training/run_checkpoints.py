"""The checkpoints `last` and `best` of a running training."""

from __future__ import annotations

import time
from pathlib import Path

from isthmus.training import checkpoint
from isthmus.training.prepare import Prepared


class RunCheckpoints:
    """Saves a training in its folder and remembers the time of the last save.

    keep_optimizer: whether the optimizer's state is to stay once training has ended; None: not known.
    """

    def __init__(self, folder: Path, training: Prepared, keep_optimizer: bool | None = None) -> None:
        self.last, self.best = folder / "checkpoints" / "last", folder / "checkpoints" / "best"
        self.training, self.keep_optimizer = training, keep_optimizer
        self.saved_at, self.saved_step = time.monotonic(), training.progress.step

    def save_last(self) -> None:
        """Save everything that the next step depends on."""
        ours = self.training
        checkpoint.save(
            self.last,
            ours.model,
            ours.progress,
            ours.optimizer,
            objective=ours.objective,
            notes=ours.notes,
            keep_optimizer=self.keep_optimizer,
        )
        self.saved_at, self.saved_step = time.monotonic(), ours.progress.step

    def save_best(self) -> None:
        """Save the weights that are evaluated and used."""
        checkpoint.save(self.best, self.training.model, self.training.progress, objective=self.training.objective)

    def seconds_since(self) -> float:
        """Seconds since `save_last`, or since the training started."""
        return time.monotonic() - self.saved_at

    def drop_old(self) -> None:
        """After training, remove the previous checkpoints that each save keeps."""
        checkpoint.drop_old(self.last)
        checkpoint.drop_old(self.best)
