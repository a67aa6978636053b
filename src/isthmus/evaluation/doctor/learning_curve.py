"""Reads the learning curve from a training's log and describes its shape."""

from __future__ import annotations

import math
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
    epochs = [
        (line.step, line.validation_mse)
        for line in lines
        if isinstance(line, EpochRecord) and line.validation_mse is not None
    ]
    steps = [
        (line.step, line.distortion) for line in lines if isinstance(line, StepRecord) and line.distortion is not None
    ]
    chosen = epochs if len(epochs) >= _FEW_EPOCHS else steps if len(steps) >= _FEW_LINES else []
    if not chosen or not all(math.isfinite(error) and error > 0 for _, error in chosen):
        return ()
    total = max(step for step, _ in chosen)
    return tuple((step / total, error) for step, error in chosen) if total > 0 else ()


def read_epochs(journal: Path) -> tuple[float, ...]:
    """Validation MSEs of pixel values in [0, 1] from a metrics.jsonl, by epoch; some runs have an epoch 0."""
    rows = {
        line.epoch: line.validation_mse
        for line in read_log(journal).lines
        if isinstance(line, EpochRecord) and line.validation_mse is not None
    }
    return tuple(rows[epoch] for epoch in sorted(rows))


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
