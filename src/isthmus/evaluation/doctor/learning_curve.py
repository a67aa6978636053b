"""Reads the learning curve from a training's log and describes its shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from isthmus.run_files.metrics import EpochRecord, StepRecord
from isthmus.run_files.read import read_log

_FEW_EPOCHS = 8  # with fewer, their errors are too few for a curve
_FEW_LINES = 10


Curve = tuple[tuple[float, float], ...]


def read_curve(journal: Path) -> Curve:
    """(share of the training's steps, error) from a metrics.jsonl; empty where the log is too short.

    Validation errors, or distortions if there are few epochs. The share is of steps, not of seconds, so that a busy
    machine does not change the diagnosis.
    """
    lines = read_log(journal).lines
    epochs = [(line.step, error) for line, error in _validated(lines)]
    steps = [
        (line.step, line.distortion) for line in lines if isinstance(line, StepRecord) and line.distortion is not None
    ]
    chosen = epochs if len(epochs) >= _FEW_EPOCHS else steps if len(steps) >= _FEW_LINES else []
    if not chosen or not all(math.isfinite(error) and error > 0 for _, error in chosen):
        return ()
    total = max(step for step, _ in chosen)
    return tuple((step / total, error) for step, error in chosen) if total > 0 else ()


def read_epochs(journal: Path) -> tuple[float, ...]:
    """Validation errors from a metrics.jsonl, by epoch; some runs have an epoch 0."""
    rows = {line.epoch: error for line, error in _validated(read_log(journal).lines)}
    return tuple(rows[epoch] for epoch in sorted(rows))


def _validated(lines: Sequence[EpochRecord | StepRecord]) -> list[tuple[EpochRecord, float]]:
    """Each epoch with its error: the MSE on validation images, pixels in [0, 1].

    Where the best epoch was chosen on corrupted images, the loss on these: a model that learns to remove noise from a
    start at PCA gets worse on clean images all the time.
    """
    epochs = [line for line in lines if isinstance(line, EpochRecord)]
    if all(math.isfinite(line.corrupted_validation_loss) for line in epochs):
        return [(line, line.corrupted_validation_loss) for line in epochs]
    return [(line, line.validation_mse) for line in epochs if line.validation_mse is not None]


def falls(curve: Curve) -> float | None:
    """The share by which the error fell over the last fifth of a curve; None where the curve is too short."""
    before = [error for share, error in curve if 0.7 <= share <= 0.85]
    after = [error for share, error in curve if share >= 0.95]
    if not before or not after:
        return None
    return 1 - float(np.mean(after)) / float(np.mean(before))


def jumps(curve: Curve, by: float) -> float | None:
    """The share of steps in a curve's second half that raise the error by more than `by`; None for too few steps."""
    late = [error for share, error in curve if share >= 0.5]
    if len(late) < 4:
        return None
    return float(np.mean([after > (1 + by) * before for before, after in pairwise(late)]))


def rises(curve: Curve) -> float | None:
    """The largest ratio of an error to the least error before it; None for an empty curve."""
    least, found = math.inf, None
    for _, error in curve:
        found = max(found or 0.0, error / least)
        least = min(least, error)
    return found
