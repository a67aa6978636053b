"""training.json: how training ended."""

from __future__ import annotations

from typing import Annotated

from isthmus.run_files.record import Count, FileRecord, Finite, Seconds, Unit


class TrainingRecord(FileRecord):
    """training.json: how training ended."""

    stopped: str
    """Why it ended: `epochs`, `steps`, `patience` or `seconds`."""
    sentence: str
    """The same as a sentence."""
    epochs: Count
    """Epochs trained."""
    best_epoch: Count
    """The epoch whose weights were kept; 0 is the start."""
    steps: Count
    """Optimizer steps taken."""
    seconds: Seconds
    """Training time, over all sessions."""
    images_per_second: Annotated[Finite, Unit("1/s")]
    """Training images per second, on average."""
