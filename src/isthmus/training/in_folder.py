"""One training in one folder: prepare, take steps, save, stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.metrics import EpochRecord, StepRecord
from isthmus.run_files.preview import NAME as PREVIEW
from isthmus.run_files.preview import write_preview
from isthmus.run_files.state import Progress
from isthmus.run_files.write import write_record
from isthmus.training import devices
from isthmus.training.diverged import Diverged
from isthmus.training.events import Notice, Started
from isthmus.training.interrupts import interrupts
from isthmus.training.loop import Epoch, Step, train
from isthmus.training.metrics_log import Journal
from isthmus.training.outcome import outcome
from isthmus.training.prepare import Prepared, prepare
from isthmus.training.preview import Preview, Previews
from isthmus.training.run_checkpoints import RunCheckpoints

SAVE_SECONDS = 30.0


def train_in_folder(
    recipe: Recipe, folder: Path, splits: Splits, cache: Path, *, keep_optimizer: bool | None = None
) -> Iterator[Started | Notice | Step | Epoch | Preview]:
    """Train from the folder's last checkpoint or from the start, saving as it goes.

    cache: a folder for fitted baselines; a model with a linear path starts at one of them. keep_optimizer: what was
    asked for after the training; the checkpoint keeps it, and nothing is removed here. During training, torch uses the
    recipe's number of CPU threads. After SIGINT, training saves at the next safe step and raises KeyboardInterrupt.
    Raises RunError if the loss is no longer finite; saved files stay.
    """
    with devices.cpu_threads(recipe.train.threads):
        devices.keep_freed_memory()
        training = yield from prepare(recipe, folder, splits, cache)
        devices.keep_freed_memory(large=not training.recompute)
        checkpoints = RunCheckpoints(folder, training, keep_optimizer)
        first = training.processes.first
        if training.save_first and first:
            checkpoints.save_last()
        yield Started(
            folder,
            training.recipe,
            training.progress.step,
            training.allowed.steps,
            training.batches.count,
            str(training.device),
            training.precision,
        )
        yield from _train(training, folder, checkpoints)
        if not first:
            return
        write_record(folder / "training.json", outcome(training.progress, training.recipe, training.allowed.passes))
        checkpoints.drop_old()
        with suppress(OSError):  # the evaluation keeps pictures of the trained model
            (folder / PREVIEW).unlink(missing_ok=True)


def _train(training: Prepared, folder: Path, checkpoints: RunCheckpoints) -> Iterator[Step | Epoch | Preview]:
    """Every step, logged, with saves where they are safe."""
    progress = training.progress
    previews = Previews(training.model, training.validation, training.allowed.steps)
    interrupted = threading.Event()
    steps = train(
        training.model,
        training.objective,
        training.optimizer,
        training.batches,
        training.validation,
        training.recipe.train,
        progress,
        precision=training.precision,
        kernels=training.kernels,
        recompute=training.recompute,
        seed=training.recipe.seed,
        processes=training.processes,
        asked=lambda: interrupted.is_set(),
    )
    if not training.processes.first:
        with interrupts() as interrupted:
            yield from _follow(steps, training)
        return
    with interrupts() as interrupted, Journal(folder / "metrics.jsonl", keep_steps=progress.step) as journal:
        try:
            for event in steps:
                if isinstance(event, Epoch):
                    journal.write(_epoch_line(progress, event))
                    if event.best:
                        checkpoints.save_best()
                else:
                    if event.log is not None:
                        journal.write(_step_line(progress, event.log))
                safe, asked = _is_safe(event, training), event.asked
                if safe and (isinstance(event, Epoch) or asked or checkpoints.seconds_since() > SAVE_SECONDS):
                    checkpoints.save_last()
                yield event
                if (preview := previews.look(event, progress)) is not None:
                    with suppress(OSError, InputError):  # pictures to look at must not stop a training
                        write_preview(folder, preview.step, preview.originals, preview.outputs)
                    yield preview
                if safe and asked:
                    raise KeyboardInterrupt
        except Diverged as error:
            step = checkpoints.saved_step
            good = f"the last good checkpoint is {checkpoints.last} of step {step}" if step else "none was saved yet"
            raise RunError(f"{folder}: {error}; {good}") from None


def _follow(steps: Iterator[Step | Epoch], training: Prepared) -> Iterator[Step | Epoch]:
    """The steps in a process that is not the first: nothing is written, and it stops where the first one stops."""
    for event in steps:
        yield event
        if event.asked and _is_safe(event, training):
            raise KeyboardInterrupt


def _is_safe(event: Step | Epoch, training: Prepared) -> bool:
    """Whether the state after `event` may be saved.

    After an epoch's last step the epoch is not complete: wait for its validation.
    """
    return isinstance(event, Epoch) or (event.log is not None and training.progress.batch < len(training.batches))


def _epoch_line(progress: Progress, event: Epoch) -> EpochRecord:
    where = {"step": progress.step, "epoch": progress.epoch, "seconds": round(progress.seconds, 3)}
    return EpochRecord.model_validate({"kind": "epoch", **where, **event.log, "best": event.best})


def _step_line(progress: Progress, log: Mapping[str, float]) -> StepRecord:
    where = {"step": progress.step, "epoch": progress.epoch + 1, "seconds": round(progress.seconds, 3)}
    return StepRecord.model_validate({"kind": "train", **where, **log})
