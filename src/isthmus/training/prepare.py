"""Everything that a training in a folder needs, new or restored from its last checkpoint."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isthmus.core import streams
from isthmus.core.errors import RunError
from isthmus.core.pixels import Pixels, depth_of
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.yardstick import yardstick_of
from isthmus.kernels.choose import choose
from isthmus.kernels.ops import Kernels
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import Objective
from isthmus.models.pixels import to_unit
from isthmus.models.processes import ALONE, Processes, checksum, here, spread
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.training_length import Budget, budget
from isthmus.run_files.state import Progress
from isthmus.run_files.write import write_record
from isthmus.training import checkpoint, devices
from isthmus.training.alike import PROBED, check_alike
from isthmus.training.batches import Batches, BatchesFromDisk, BatchSource
from isthmus.training.environment import environment
from isthmus.training.events import Notice
from isthmus.training.initial_model import untrained
from isthmus.training.memory_estimate import check_memory
from isthmus.training.mirroring import choose_mirror
from isthmus.training.optimizers import build_optimizer
from isthmus.training.placing import placed
from isthmus.training.start import begin


@dataclass(frozen=True)
class Prepared:
    """A training that can take its next step.

    recipe: with the budget's epochs. validation: (N, C, H, W), on the device or on disk. notes: stored in checkpoints;
    what the next step's bits depend on besides weights, optimizer and progress. recompute: see `EagerStep`.
    save_first: whether to save before the first step: its weights are those of another run, which may be removed.
    processes: that train together; only the first one writes.
    """

    recipe: Recipe
    allowed: Budget
    device: torch.device
    precision: str
    kernels: Kernels
    model: Autoencoder
    objective: Objective
    optimizer: torch.optim.Optimizer
    batches: BatchSource
    validation: Tensor | Pixels
    progress: Progress
    recompute: bool
    notes: dict[str, Any]
    save_first: bool = False
    processes: Processes = ALONE


def prepare(given: Recipe, folder: Path, splits: Splits, cache: Path) -> Generator[Notice, None, Prepared]:
    """Build model, optimizer and batches, and load the folder's last checkpoint if there is one.

    A new run writes environment.json. cache: a folder for fitted baselines. Notices are yielded as soon as they are
    known; one about too little memory comes before the memory is allocated.
    """
    allowed = budget(given, len(splits.train))
    recipe = allowed.recipe
    processes = here()
    device = devices.choose_device(recipe.train.device)
    precision = devices.choose_precision(recipe.train.precision, device)
    plan = check_memory(recipe, splits.train.images.shape[1:], len(splits.train), device, precision)
    for sentence in plan.said:
        yield Notice(sentence)
    model, objective = untrained(recipe, splits.train.images.shape[1:], depth_of(splits.train.images.dtype))
    model.to(device)
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    chosen = choose(recipe.train.kernels, device, model, precision)
    how = {  # what the weights' bits depend on besides recipe and versions
        "device": device.type,
        "threads": torch.get_num_threads(),
        "precision": precision,
        "kernels": chosen.recorded,
        "processes": processes.count,
    }
    for sentence in chosen.notices:
        yield Notice(sentence)
    objective.to(device)
    optimizer = build_optimizer(model, recipe.train, objective)
    images, validation = (placed(part.images, device) for part in (splits.train, splits.validation))

    last = folder / "checkpoints" / "last"
    save_first = False
    try:
        progress, notes, passed_over = checkpoint.load(last, model, optimizer, objective=objective)
    except checkpoint.Damaged as error:
        raise RunError(f"{error}; train again with another --out") from None
    except FileNotFoundError:
        progress = Progress()
        if model.linear is not None:
            with spread():
                model.start_at(yardstick_of(model, splits.train.images, splits.hash, cache).components)
        begun = begin(folder, model, objective, optimizer, recipe.train)
        mirror = choose_mirror(recipe.train.mirror, splits)
        if mirror.sentence:
            yield Notice(mirror.sentence)
        mirrors = mirror.mirrors
        about = environment(given, splits, device, how, allowed.schedule(), mirror)
        if begun is not None:
            progress, save_first = begun.progress, begun.complete
            for sentence in begun.notices:
                yield Notice(sentence)
        if processes.first:
            write_record(folder / "environment.json", about)
    else:
        for sentence in _resumed(folder, how, notes, passed_over):
            yield Notice(sentence)
        mirrors = bool(notes.get("mirrors", recipe.train.mirror is True))  # as decided when the run started
    if processes.count > 1:
        _check_same_weights(processes, model, objective, progress)
        some = to_unit(torch.from_numpy(splits.train.images[: PROBED * processes.count]))
        check_alike(recipe, model, objective, some, processes)
    return Prepared(
        recipe,
        allowed,
        device,
        precision,
        chosen.kernels,
        model,
        objective,
        optimizer,
        _batches(images, device, recipe, mirrors=mirrors, passes=allowed.passes, processes=processes),
        validation,
        progress,
        recompute=plan.recompute,
        notes={**how, "draws": streams.VERSION, "mirrors": mirrors},
        save_first=save_first,
        processes=processes,
    )


def _batches(
    images: Tensor | Pixels, device: torch.device, recipe: Recipe, *, mirrors: bool, passes: int, processes: Processes
) -> BatchSource:
    batch, seed = recipe.train.batch, recipe.seed
    if isinstance(images, Tensor):
        return Batches(images, batch, seed=seed, mirror=mirrors, passes=passes, processes=processes)
    return BatchesFromDisk(images, device, batch, seed=seed, mirror=mirrors, passes=passes, processes=processes)


def _check_same_weights(processes: Processes, model: Autoencoder, objective: Objective, progress: Progress) -> None:
    """Raise RunError where processes would begin with different weights."""
    weights = [*model.state_dict().values(), *objective.state_dict().values()]
    found = processes.everyone((progress.step, checksum(weights)))
    for rank, (step, total) in enumerate(found):
        if (step, total) != found[0]:
            raise RunError(
                f"process {rank} begins at step {step} and process 0 at step {found[0][0]}, with other weights; start "
                "all processes with the same command, isthmus and torch, on a disk that all of them see"
            )


def _resumed(folder: Path, how: dict[str, Any], notes: dict[str, Any], passed_over: str | None) -> list[str]:
    """The notices for a resumed run."""
    said = [f"{passed_over}."] if passed_over else []
    # checkpoints from before kernels could be chosen all used torch's, and one process
    before = {"kernels": "torch", "processes": 1}
    if {name: notes.get(name, before.get(name)) for name in how} != how:
        said.append(
            f"{folder}: resumed on another device, precision, thread count, kernels or number of processes than it "
            "began with; "
            "its weights will be as good, but not the same bits."
        )
    if notes.get("draws", 1) != streams.VERSION:
        said.append(
            f"{folder}: begun by another version of isthmus, which drew noise and the order of images otherwise; "
            "its weights will be as good, but not the same bits."
        )
    return said
