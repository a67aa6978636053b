"""One training in one folder: resume, log, save, stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from isthmus.core import streams
from isthmus.core.atomic_files import write_json
from isthmus.core.errors import RunError
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines import pca
from isthmus.kernels.choose import choose
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.training_length import budget
from isthmus.training import checkpoint, devices
from isthmus.training.batches import Batches
from isthmus.training.environment import environment
from isthmus.training.initial_model import untrained
from isthmus.training.interrupts import interrupts
from isthmus.training.loop import Diverged, Epoch, Progress, Step, train
from isthmus.training.memory_estimate import check_memory
from isthmus.training.metrics_log import Journal
from isthmus.training.mirroring import choose_mirror
from isthmus.training.optimizers import build_optimizer
from isthmus.training.preview import Preview, Previews

SAVE_SECONDS = 30.0


@dataclass(frozen=True)
class Started:
    """Yielded when training begins or goes on: how far it is and how far it can go."""

    folder: Path
    recipe: Recipe
    step: int
    total_steps: int
    images_per_epoch: int
    device: str
    precision: str


@dataclass(frozen=True)
class Notice:
    """Yielded for a sentence the user should read."""

    sentence: str


def train_in_folder(
    recipe: Recipe, folder: Path, splits: Splits, cache: Path
) -> Iterator[Started | Notice | Step | Epoch | Preview]:
    """Train from the folder's last checkpoint or from the start, saving as it goes.

    cache: a folder for fitted baselines; a model with a linear path starts at one. torch has the recipe's number
    of CPU threads meanwhile. SIGINT is answered at the next safe step: by saving and raising KeyboardInterrupt.
    Raises RunError where the loss is no longer finite; what was saved stays.
    """
    with devices.cpu_threads(recipe.train.threads):
        yield from _train(recipe, folder, splits, cache)


def _train(
    recipe: Recipe, folder: Path, splits: Splits, cache: Path
) -> Iterator[Started | Notice | Step | Epoch | Preview]:
    devices.keep_freed_memory()
    allowed = budget(recipe, len(splits.train))
    given, recipe = recipe, allowed.recipe
    device = devices.choose_device(recipe.train.device)
    precision = devices.choose_precision(recipe.train.precision, device)
    if said := check_memory(recipe, splits.train.images.shape[1:], len(splits.train), device):
        yield Notice(said)
    model, objective = untrained(recipe, splits.train.images.shape[1:])
    model.to(device)
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    chosen = choose(recipe.train.kernels, device, model, precision)
    how = {  # what the bits of the weights depend on beside recipe and versions
        "device": device.type,
        "threads": torch.get_num_threads(),
        "precision": precision,
        "kernels": chosen.recorded,
    }
    for sentence in chosen.notices:
        yield Notice(sentence)
    objective.to(device)
    optimizer = build_optimizer(model, recipe.train, objective)
    images = torch.from_numpy(splits.train.images).to(device)
    validation = torch.from_numpy(splits.validation.images).to(device)

    progress, last = Progress(), folder / "checkpoints" / "last"
    try:
        progress, notes, passed_over = checkpoint.load(last, model, optimizer, objective=objective)
    except FileNotFoundError:
        if model.linear is not None:
            model.start_at(pca.fit_for(model.latent_size, splits.train.images, splits.hash, cache))
        mirror = choose_mirror(recipe.train.mirror, splits)
        if mirror.sentence:
            yield Notice(mirror.sentence)
        mirrors = mirror.mirrors
        about = environment(given, splits, device, how, allowed.as_dict(), mirrors=mirrors)
        write_json(folder / "environment.json", {**about, "mirror": vars(mirror)})
    else:
        if passed_over:
            yield Notice(f"{passed_over}.")
        # checkpoints of before there was a choice of kernels were all torch's
        if {name: notes.get(name, "torch") for name in how} != how:
            yield Notice(
                f"{folder}: resumed on another device, precision, thread count or kernels than it began with; "
                "its weights will be as good, but not the same bits."
            )
        if notes.get("draws", 1) != streams.VERSION:
            yield Notice(
                f"{folder}: begun by another version of isthmus, which drew noise and the order of images otherwise; "
                "its weights will be as good, but not the same bits."
            )
        mirrors = bool(notes.get("mirrors", recipe.train.mirror is True))  # as it was decided, whatever came since
    notes = {**how, "draws": streams.VERSION, "mirrors": mirrors}
    batches = Batches(images, recipe.train.batch, seed=recipe.seed, mirror=mirrors, passes=allowed.passes)
    yield Started(
        folder,
        recipe,
        progress.step,
        allowed.steps,
        len(batches.images),
        str(device),
        precision,
    )
    saved_at, saved_step = time.monotonic(), progress.step
    previews = Previews(model, validation, allowed.steps)
    steps = train(
        model,
        objective,
        optimizer,
        batches,
        validation,
        recipe.train,
        progress,
        precision=precision,
        kernels=chosen.kernels,
        seed=recipe.seed,
    )
    with interrupts() as interrupted, Journal(folder / "metrics.jsonl", keep_steps=progress.step) as journal:
        try:
            for event in steps:
                if isinstance(event, Epoch):
                    journal.write("epoch", progress, {**event.log, "best": event.best})
                    if event.best:
                        checkpoint.save(folder / "checkpoints" / "best", model, progress, objective=objective)
                    safe = True
                else:
                    if event.log is not None:
                        journal.write("train", progress, event.log)
                    # at an epoch's last step the epoch is not closed yet: wait for its validation
                    safe = event.log is not None and progress.batch < len(batches)
                asked = interrupted.is_set()
                if safe and (isinstance(event, Epoch) or asked or time.monotonic() - saved_at > SAVE_SECONDS):
                    checkpoint.save(last, model, progress, optimizer, objective=objective, notes=notes)
                    saved_at, saved_step = time.monotonic(), progress.step
                yield event
                if (preview := previews.look(event, progress)) is not None:
                    yield preview
                if safe and asked:
                    raise KeyboardInterrupt
        except Diverged as error:
            good = f"the last good checkpoint is {last} of step {saved_step}" if saved_step else "none was saved yet"
            raise RunError(f"{folder}: {error}; {good}") from None
    write_json(folder / "training.json", _outcome(progress, recipe, allowed.passes))
    checkpoint.drop_old(last)
    checkpoint.drop_old(folder / "checkpoints" / "best")


def _outcome(progress: Progress, recipe: Recipe, passes: int) -> dict[str, Any]:
    loss = "training loss" if recipe.train.monitor == "training" else "validation loss"
    limit = recipe.train.seconds
    long = f" of {passes} passes over its images" if passes > 1 else ""
    sentences = {
        "seconds": f"its {limit:g} seconds were over" if limit is not None else "",
        "epochs": "ran its one epoch" if progress.epoch == 1 else f"ran all {progress.epoch} epochs{long}",
        "patience": f"{loss} had not improved for {recipe.train.patience_epochs} epochs{long}",
        "steps": f"took its {progress.step:,} steps",
    }
    return {
        "format": 1,
        "stopped": progress.stopped,
        "sentence": sentences[progress.stopped],
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "steps": progress.step,
        "seconds": progress.seconds,
        "images_per_second": progress.seen / max(progress.seconds, 1e-9),
    }
