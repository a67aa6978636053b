"""metrics.jsonl: one line per logged step and one per epoch."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import ConfigDict

from isthmus.run_files.record import Count, Decibels, Flag, Number, Real, Record, Seconds, SquaredError, Unit


class EpochRecord(Record):
    """A line about an epoch. Epoch 0 is the model before its first step, if that was measured."""

    kind: Literal["epoch"]
    """What the line is about."""
    step: Count
    """Optimizer steps so far."""
    epoch: Count
    """The epoch, from 1."""
    seconds: Seconds
    """Training time so far, over all sessions."""
    train_loss: Number = math.nan
    """Running mean of the loss over the epoch's images; not in epoch 0."""
    validation_loss: Number = math.nan
    """The loss on validation images."""
    corrupted_validation_loss: Number = math.nan
    """The loss on corrupted validation images; this key and the next only where `train.monitor` asks for it."""
    corrupted_validation_image_psnr: Decibels = math.nan
    """The PSNR of the output for corrupted validation images, mean over images."""
    validation_mse: SquaredError | None = None
    """Mean squared error on validation images, output rounded to their depth."""
    validation_psnr: Decibels = math.nan
    """The PSNR of `validation_mse`."""
    validation_image_psnr: Decibels = math.nan
    """The PSNR, mean over images, like `psnr` in evaluation.json."""
    learning_rate: Number = math.nan
    """The learning rate; not in epoch 0."""
    best: Flag = False
    """Whether this epoch is the best so far."""


class StepRecord(Record):
    """A line about steps: means over the images since the previous line. Further keys are the terms of the loss."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["train"]
    """What the line is about."""
    step: Count
    """Optimizer steps so far."""
    epoch: Count
    """The current epoch, from 1."""
    seconds: Seconds
    """Training time so far, over all sessions."""
    loss: Number = math.nan
    """The loss that was minimised."""
    distortion: Real | None = None
    """Its reconstruction term, in the unit of `distortion.kind`."""
    learning_rate: Number = math.nan
    """The learning rate."""
    images_per_second: Annotated[Number, Unit("1/s")] = math.nan
    """Training images per second."""
