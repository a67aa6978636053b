"""The training loop, which reads as the method; the caller iterates it and does logging, saving and drawing."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from isthmus.core.pixels import Pixels
from isthmus.kernels.ops import Kernels, using
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import Objective
from isthmus.models.processes import ALONE, Processes
from isthmus.recipes.recipe import Train
from isthmus.run_files.state import Progress
from isthmus.training.agreement import Agreement
from isthmus.training.batches import BatchSource
from isthmus.training.diverged import Diverged
from isthmus.training.meter import Meter
from isthmus.training.optimizers import rate_of, set_rates
from isthmus.training.steps import EagerStep, GraphStep, captures
from isthmus.training.validation import validate


@dataclass(frozen=True)
class Step:
    """Yielded after every optimizer step.

    `log` is not None every LOG_STEPS steps (not on CUDA) or LOG_SECONDS of `meter.py`, and at the end of an epoch. Only
    then is `Progress` up to date and may be saved. done: the share of the training that is over, up to 1.
    asked: whether a process was asked to stop.
    """

    step: int
    images: int
    log: dict[str, float] | None
    done: float = 0.0
    asked: bool = False


@dataclass(frozen=True)
class Epoch:
    """Yielded after every epoch's validation; `best` is true where this epoch is the best so far.

    A model with a linear path is also validated before its first step, as epoch 0, without a `train_loss`.
    """

    epoch: int
    best: bool
    log: dict[str, float]
    asked: bool = False


def train(
    model: Autoencoder,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    batches: BatchSource,
    validation: Tensor | Pixels,
    settings: Train,
    progress: Progress,
    *,
    precision: str,
    kernels: Kernels = "torch",
    recompute: bool = False,
    seed: int,
    processes: Processes = ALONE,
    asked: Callable[[], bool] = lambda: False,
) -> Iterator[Step | Epoch]:
    """Train from `progress` on, yielding every step and every epoch.

    validation: (N, C, H, W), on the device or on disk. Every random draw of step s is a function of (seed, s), so a
    run resumed from weights, optimizer and progress takes the same steps. recompute: see `EagerStep`.
    processes: that train together, each with its share of every batch; all of them yield the same. asked: whether this
    process was asked to stop.
    Raises Diverged where the loss, or a weight that a caller could save, is no longer finite.
    """
    total_steps = planned_steps(settings, len(batches))
    corrupted = settings.monitor == "corrupted-validation"
    monitored = "corrupted_validation_loss" if corrupted else "validation_loss"
    eager = EagerStep(
        model,
        objective,
        optimizer,
        batches,
        settings,
        precision=precision,
        kernels=kernels,
        recompute=recompute,
        seed=seed,
        processes=processes,
    )
    take = GraphStep(eager) if captures(model.device, settings, processes) else eager
    meter = Meter(progress, processes, waits=model.device.type == "cuda")
    agreement = Agreement(processes, lambda: (meter.seconds(), meter.late(), asked()))
    seconds = progress.seconds
    # a run that was stopped before its first saved step has done this already
    if progress.step == 0 and math.isinf(progress.best_score) and model.linear is not None:
        with using(kernels):
            scores = validate(model, objective, validation, corrupted=corrupted)
        if settings.monitor != "training":
            progress.best_score = scores[monitored]
        yield Epoch(0, settings.monitor != "training", scores)
    while not progress.stopped:
        model.train()
        objective.train()
        meter = Meter(progress, processes, waits=model.device.type == "cuda")
        for chosen in batches.epoch(progress.epoch, start=progress.batch):
            if progress.step >= total_steps:  # resumed from a checkpoint between the last step and the validation
                break
            done = max(progress.step / total_steps, seconds / (settings.seconds or math.inf))
            set_rates(optimizer, progress.step, total_steps, settings, done)
            images = batches.images_in(progress.batch)
            agreement.begin()
            terms = take(chosen, progress.step, images)

            progress.step += 1
            progress.batch += 1
            meter.add(terms, images)
            decision = agreement.end()
            seconds = decision.seconds
            late = seconds >= (settings.seconds or math.inf) or progress.step >= total_steps
            due = progress.batch == len(batches) or late or meter.full() or decision.due
            log = meter.read(optimizer) if due else None
            if due:
                _check_weights(model, objective, progress.step, optimizer)  # before the caller may save them
            yield Step(progress.step, images, log, done, decision.asked)
            if late:
                break

        train_loss = progress.loss_sum / progress.images
        with using(kernels):
            scores = validate(model, objective, validation, corrupted=corrupted)
        score = train_loss if settings.monitor == "training" else scores[monitored]
        if not math.isfinite(score):
            raise Diverged(progress.step, optimizer)
        best = _advance(progress, score, settings)
        log = {"train_loss": train_loss, **scores, "learning_rate": rate_of(optimizer)}
        yield Epoch(progress.epoch, best, log, agreement.now().asked)


def planned_steps(settings: Train, steps_per_epoch: int) -> int:
    """The number of steps of a training that is not ended early."""
    return min(settings.epochs * steps_per_epoch, settings.steps or sys.maxsize)


def _check_weights(model: nn.Module, objective: nn.Module, step: int, optimizer: torch.optim.Optimizer) -> None:
    """Raise Diverged where a weight is not finite; the last loss is that of the weights before the last step."""
    for value in (*model.state_dict().values(), *objective.state_dict().values()):
        if not value.isfinite().all():
            raise Diverged(step, optimizer, "the weights")


def _advance(progress: Progress, score: float, settings: Train) -> bool:
    """End the epoch in `progress`; true if it is the best so far."""
    progress.epoch += 1
    progress.batch, progress.images, progress.loss_sum = 0, 0, 0.0
    best = score < progress.best_score
    if best:
        progress.best_score, progress.best_epoch, progress.stale_epochs = score, progress.epoch, 0
    else:
        progress.stale_epochs += 1
    if settings.patience_epochs is not None and progress.stale_epochs >= settings.patience_epochs:
        progress.stopped = "patience"
    elif progress.seconds >= (settings.seconds or math.inf):
        progress.stopped = "seconds"
    elif progress.epoch >= settings.epochs:
        progress.stopped = "epochs"
    elif progress.step >= (settings.steps or math.inf):
        progress.stopped = "steps"
    return best
