"""The open goals on a GPU, before anything is measured. Parts give them values by name.

Times and ratios of time are goals of one H200, on 50,000 images of 3x32x32 and the post's first network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.goals import Measured

OUTPUTS = "largest difference between CPU and GPU outputs, pixels from -1 to 1"
CODES = "share of codes that differ between CPU and GPU"
CAPTURED = "share of networks whose step becomes a CUDA graph"
LOSSES = "largest relative difference between captured and plain steps' losses"
EPOCH_32 = "an epoch at batch 32"
EPOCH_BEST = "an epoch at the best batch"
FLOOR_SHARE = "memory floor of an epoch / that epoch"
SEEDS = "five seeds at once / one seed, training"
PCA_HOST = "PCA of the training images, as isthmus fits it (CPU)"
PCA_DEVICE = "PCA of the training images on the device"
PCA_ERROR = "relative difference between the two PCAs' errors"
EVALUATION = "evaluation of all test images on the device"
QUALITY = "quality-gpu/latent-64: MSE over PCA's"
POST = "isthmus study post seeds=3"
POST_RUNS = "runs of that study that were finished"


@dataclass(frozen=True)
class Part:
    """seconds: the share of the eight minutes; the last part has all that is left."""

    seconds: float
    rows: tuple[Measured, ...]
    timed: bool = False


def _at_most(name: str, goal: float | None, unit: str = "") -> Measured:
    return Measured(name, (), goal, at_least=False, unit=unit)


PARTS: Mapping[str, Part] = {
    "agreement": Part(40, (_at_most(OUTPUTS, 1e-4), _at_most(CODES, 1e-2))),
    "captured": Part(65, (Measured(CAPTURED, ()), _at_most(LOSSES, 1e-3))),
    "epochs": Part(
        75, (_at_most(EPOCH_32, 0.6, "s"), _at_most(EPOCH_BEST, 0.25, "s"), Measured(FLOOR_SHARE, ())), timed=True
    ),
    "seeds": Part(35, (_at_most(SEEDS, 2.0),), timed=True),
    "evaluation": Part(
        45,
        (
            _at_most(PCA_HOST, None, "s"),
            _at_most(PCA_DEVICE, None, "s"),
            _at_most(PCA_ERROR, 1e-4),
            _at_most(EVALUATION, None, "s"),
        ),
    ),
    "quality": Part(75, (_at_most(QUALITY, 0.80),), timed=True),
    "post": Part(145, (_at_most(POST, 180, "s"), Measured(POST_RUNS, ())), timed=True),
}


def without_goal(row: Measured) -> Measured:
    return replace(row, goal=None)


def goal_of_h200(row: Measured, part: Part) -> Measured:
    """The row, named as a goal of the H200, for any other GPU."""
    return replace(row, name=f"{row.name} (goal of an H200)") if part.timed and row.goal is not None else row
