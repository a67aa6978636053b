"""Begins a training with the weights of another run, as start.json of the new run's folder says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from isthmus.core.errors import InputError
from isthmus.core.wording import counted
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import Objective
from isthmus.models.weights_hash import tensors_hash
from isthmus.recipes.recipe import Train
from isthmus.run_files.read import read_record
from isthmus.run_files.start import START_FILE, StartRecord
from isthmus.run_files.state import Progress
from isthmus.run_files.write import write_record
from isthmus.training import checkpoint

_NAMED = 6  # tensors and options in a sentence; start.json names all
_LINEAR = "linear."
_WHENCE = "another run to start from"


@dataclass(frozen=True)
class Weights:
    """Weights of a run: which of its two checkpoints, its progress, and tensors by `model` and `objective`."""

    which: str
    progress: Progress
    tensors: Mapping[str, Mapping[str, Tensor]]

    @property
    def hash(self) -> str:
        return tensors_hash(self.tensors["model"], self.tensors["objective"])


@dataclass(frozen=True)
class Begun:
    """A training that can take its first step. notices: sentences for the user.

    complete: whether a checkpoint of it can be resumed at once; one without the optimizer's state cannot.
    """

    progress: Progress
    notices: tuple[str, ...]
    complete: bool


def weights_of(run: Path, *, goes_on: bool) -> Weights:
    """The weights to start with: the last ones to go on with, the best ones for a new training.

    Raises InputError where the run holds none that can be read.
    """
    damage: list[str] = []
    for which in ("last", "best") if goes_on else ("best", "last"):
        try:
            progress, tensors = checkpoint.read_weights(run / "checkpoints" / which)
        except FileNotFoundError:
            continue
        except checkpoint.Damaged as error:
            damage.append(str(error))
            continue
        return Weights(which, progress, tensors)
    why = f" ({'; '.join(damage)})" if damage else ""
    raise InputError(f"{run}: holds no weights that can be read{why}; name {_WHENCE}")


def begin(
    folder: Path, model: Autoencoder, objective: Objective, optimizer: torch.optim.Optimizer, settings: Train
) -> Begun | None:
    """Put the weights that start.json names into a model that was just built; None if the folder has no start.json.

    Completes start.json. Raises InputError where those weights are gone or have changed, or none of them fits.
    """
    if not os.path.lexists(folder / START_FILE):
        return None
    record = read_record(folder / START_FILE, StartRecord)
    run = Path(record.run)
    found = weights_of(run, goes_on=record.goes_on)
    if found.hash != record.weights:
        raise InputError(
            f"{folder}: began with weights of {run} that are no longer there; once nothing trains in that run, begin "
            "anew with another --out"
        )
    if record.goes_on:
        return _go_on(folder, record, found, model, objective, optimizer, settings)
    return _take(folder, record, found, model, objective)


def _go_on(
    folder: Path,
    record: StartRecord,
    found: Weights,
    model: Autoencoder,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    settings: Train,
) -> Begun:
    """All of the run: weights, optimizer and progress, and the best weights so far as this run's own."""
    saved = Path(record.run) / "checkpoints"
    try:
        progress, _, _ = checkpoint.load(saved / "best", model, objective=objective)
        checkpoint.save(folder / "checkpoints" / "best", model, progress, objective=objective)
        best = True
    except (FileNotFoundError, checkpoint.Damaged):
        best = False
    try:
        progress, _, _ = checkpoint.load(saved / "last", model, optimizer, objective=objective)
        kept = bool(optimizer.state) or not progress.step  # `slim` may have removed it
    except (FileNotFoundError, checkpoint.Damaged):
        progress, _, _ = checkpoint.load(saved / found.which, model, objective=objective)
        kept = False
    if progress.stopped == "patience":
        progress.stale_epochs = 0
    if not best:
        progress.best_score, progress.best_epoch = float("inf"), 0
    progress.stopped = ""
    taken = len(found.tensors["model"]) + len(found.tensors["objective"])
    write_record(folder / START_FILE, record.model_copy(update={"taken": taken, "optimizer": kept}))
    said = [
        f"Goes on with {record.run} after epoch {progress.epoch}, in {folder}; that run is not changed.",
        *_options(record),
    ]
    if not kept:
        said.append(
            "It kept no optimizer state, so the optimizer starts anew: the weights will be as good, but not the bits "
            "of one long training (--keep-optimizer keeps that state)."
        )
    elif settings.schedule != "constant" or settings.warmup_steps:
        said.append(
            "From here on the learning rate is that of the longer schedule; the bits are those of one long training "
            "only with train.schedule=constant and train.warmup_steps=0."
        )
    return Begun(progress, tuple(said), complete=kept or not progress.step)


def _take(
    folder: Path,
    record: StartRecord,
    found: Weights,
    model: Autoencoder,
    objective: Objective,
) -> Begun:
    """The tensors that fit, for a training that begins at step 0; the others stay as they were drawn."""
    modules: dict[str, nn.Module] = {"model": model, "objective": objective}
    anew: dict[str, str] = {}
    sizes = {"taken": 0, "all": 0}
    count = 0
    for part, module in modules.items():
        own, given = module.state_dict(), found.tensors[part]
        prefix = "" if part == "model" else f"{part}."
        # half of a linear path is no PCA and no trained path either
        whole = all(_fits(value, given.get(name)) for name, value in own.items() if name.startswith(_LINEAR))
        for name, value in own.items():
            sizes["all"] += value.numel()
            if _fits(value, given.get(name)) and (whole or not name.startswith(_LINEAR)):
                value.copy_(given[name])  # the tensors of `state_dict` are the module's own
                sizes["taken"] += value.numel()
                count += 1
            else:
                anew[prefix + name] = f"{prefix}{name} ({_shapes(value, given.get(name))})"
    if not count:
        raise InputError(
            f"{record.run}: none of its weights fits this recipe's model, so it cannot be a start; name {_WHENCE}, or "
            "leave out --from"
        )
    write_record(folder / START_FILE, record.model_copy(update={"taken": count, "anew": tuple(anew)}))
    images = "the same images" if record.same_images else "other images, or images split in another way"
    said = [
        f"Starts with the weights of {record.run} ({record.name}, epoch {record.epoch}), which was trained on "
        f"{images}; the optimizer and the schedule start anew.",
        *_options(record),
    ]
    if anew:
        share = sizes["taken"] / sizes["all"]
        said.append(
            f"Takes {count} of {counted(count + len(anew), 'tensor')}, {share:.0%} of the numbers. "
            f"Anew: {_some(list(anew.values()))}."
        )
    else:
        said.append(f"All {counted(count, 'tensor')} fit and are taken.")
    return Begun(Progress(), tuple(said), complete=True)


def _fits(own: Tensor, given: Tensor | None) -> bool:
    return given is not None and (own.shape, own.dtype) == (given.shape, given.dtype)


def _shapes(own: Tensor, given: Tensor | None) -> str:
    here = list(own.shape)
    if given is None:
        return f"{here} here, not there"
    return f"{here} here, {list(given.shape)} there"


def _options(record: StartRecord) -> list[str]:
    return [f"Options that differ from that run: {_some(record.differences)}."] if record.differences else []


def _some(words: list[str] | tuple[str, ...]) -> str:
    left = len(words) - _NAMED
    return "; ".join(words[:_NAMED]) + (f"; and {left} more, see {START_FILE}" if left > 0 else "")
