"""Checkpoints: written to a new folder and renamed, checked when read, and unable to execute code.

A checkpoint is a folder: `model.safetensors`, `objective.safetensors` if the objective has parameters,
`optimizer.safetensors` (not in `best`) and `state.json`. The digests of the other files in `state.json` prove that
weights, optimizer and step belong together. Once training has ended, `runs/slim.py` removes the optimizer's state, and
weights that `best` holds too.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from isthmus.core.atomic_files import about, ask_before_writing, own_folder
from isthmus.core.bounded_reading import reason
from isthmus.core.errors import RunError
from isthmus.core.wording import shown
from isthmus.run_files.checkpoints import FORMAT, OPTIMIZER, STATE, SUFFIXES, digest_of, files_of, read_state
from isthmus.run_files.state import Progress, State
from isthmus.run_files.write import write_record
from isthmus.training.optimizers import kept

_SYSTEM_ERROR = re.compile(r"os error (\d+)")  # how safetensors tells a full disk
_Slots = dict[nn.Parameter, dict[str, Tensor]]
T = TypeVar("T")


class Damaged(RunError):
    """Every checkpoint of this name is damaged."""


@dataclass(frozen=True)
class _Whole:
    """What a checkpoint holds. slots: the optimizer's state; None where it is not asked for, or was removed."""

    progress: Progress
    notes: dict[str, Any]
    weights: dict[str, Tensor]
    learned: dict[str, Tensor]
    slots: _Slots | None


def save(
    folder: Path,
    model: nn.Module,
    progress: Progress,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    objective: nn.Module | None = None,
    notes: Mapping[str, Any] | None = None,
    keep_optimizer: bool | None = None,
) -> None:
    """Replace the checkpoint at `folder`; the previous one stays at `folder.old` until the next save.

    keep_optimizer: written down for `runs/slim.py`, which may be another process's work; None: not known.
    A crash at any moment leaves a complete checkpoint under one of the names that `load` tries.
    """
    ask_before_writing(folder)
    own_folder(folder.parent)
    new = folder.with_name(folder.name + ".new")
    _remove(new)
    new.mkdir()
    _save_tensors(new / "model.safetensors", model.state_dict())
    if objective is not None and objective.state_dict():
        _save_tensors(new / "objective.safetensors", objective.state_dict())
    if optimizer is not None:
        _save_tensors(new / OPTIMIZER, _flat(optimizer))
    digests = {file.name: digest_of(file) for file in sorted(new.iterdir())}
    state = State(format=FORMAT, progress=progress, notes=dict(notes or {}), digests=digests)
    if keep_optimizer is not None:
        state = state.model_copy(update={"keep_optimizer": keep_optimizer})
    write_record(new / STATE, state)
    old = folder.with_name(folder.name + ".old")
    ask_before_writing(folder)
    _remove(old)
    if os.path.lexists(folder):
        folder.rename(old)
    new.rename(folder)


def load(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    objective: nn.Module | None = None,
) -> tuple[Progress, dict[str, Any], str | None]:
    """Load the newest undamaged checkpoint of this name into `model`, `optimizer` and `objective`.

    Where training has ended and the optimizer's state was removed, `optimizer` stays as it is.

    Returns the progress, its notes, and a sentence if a damaged checkpoint was skipped, else None.
    Raises FileNotFoundError where there is none, Damaged where all are damaged, RunError where the checkpoint is that
    of another model.
    """

    def read(candidate: Path) -> _Whole:
        progress, notes, tensors = _read(candidate)
        weights, learned = tensors["model"], tensors.get("objective", {})
        for module, found in ((model, weights), (objective, learned)):
            _check_numbers(module, found)
        ended = bool(progress.stopped) and "optimizer" not in tensors
        if optimizer is None or ended:
            return _Whole(progress, notes, weights, learned, None)
        slots = _slots(optimizer, tensors["optimizer"])
        if progress.step and not slots:
            raise ValueError(f"optimizer.safetensors is empty after {progress.step} steps")
        return _Whole(progress, notes, weights, learned, slots)

    candidate, whole, damage = _newest_whole(folder, read)
    try:
        model.load_state_dict(whole.weights)
        if objective is not None:
            objective.load_state_dict(whole.learned)
    except RuntimeError:  # its message has one line per tensor
        raise RunError(
            f"{candidate}: holds the weights of another model than recipe.toml describes; "
            "restore recipe.toml, or train again with another --out"
        ) from None
    if optimizer is not None and whole.slots is not None:
        _restore(optimizer, whole.slots)
    passed_over = f"{'; '.join(damage)}: using {candidate.name} of step {whole.progress.step}" if damage else None
    return whole.progress, whole.notes, passed_over


def read_weights(folder: Path) -> tuple[Progress, dict[str, dict[str, Tensor]]]:
    """Progress, and tensors by `model` and `objective`, of the newest undamaged checkpoint of this name.

    Raises FileNotFoundError where there is none, Damaged where all are damaged.
    """

    def read(candidate: Path) -> tuple[Progress, dict[str, dict[str, Tensor]]]:
        progress, _, tensors = _read(candidate)
        if not all(value.isfinite().all() for state in tensors.values() for value in state.values()):
            raise ValueError("holds numbers that are not finite")
        return progress, {"model": tensors["model"], "objective": tensors.get("objective", {})}

    return _newest_whole(folder, read)[1]


def _newest_whole(folder: Path, read: Callable[[Path], T]) -> tuple[Path, T, list[str]]:
    """The newest checkpoint of this name that `read` can read, what it returned, and a sentence for each damaged one.

    A save that was interrupted is not damage. Raises as `read_weights`.
    """
    damage: list[str] = []
    for suffix in SUFFIXES:
        candidate = folder.with_name(folder.name + suffix)
        if not candidate.exists():
            continue
        try:
            return candidate, read(candidate), damage
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            if suffix != ".new":
                damage.append(f"{candidate} is damaged ({reason(error)})")
    if damage:
        raise Damaged("; ".join(damage) + "; there is no undamaged older one")
    raise FileNotFoundError(folder)


def drop_old(folder: Path) -> None:
    """Remove the previous checkpoint, once training has ended."""
    _remove(folder.with_name(folder.name + ".old"))


def _remove(folder: Path) -> None:
    """Remove the folder, file or link of this name; a link's target stays."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)


def _read(folder: Path) -> tuple[Progress, dict[str, Any], dict[str, dict[str, Tensor]]]:
    """Progress, notes, and tensors by the stem of their file.

    Raises OSError or ValueError where a file is missing, damaged or not as described.
    """
    state = read_state(folder)
    tensors = {Path(name).stem: load_file(path) for name, path in files_of(folder, state).items()}
    _check_progress(state.progress)
    return state.progress, dict(state.notes), tensors


def _check_progress(progress: Progress) -> None:
    """Raises ValueError where its numbers contradict each other."""
    if progress.batch and not progress.images:
        raise ValueError("progress: has batches of an epoch but no images")
    if progress.epoch and progress.best_score == math.inf:  # after the first epoch, the best score is finite
        raise ValueError(f"progress.best_score: is infinite after {progress.epoch} epochs")


def storable(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as safetensors takes them, copied only where they must be."""
    held, starts = dict[str, Tensor](), set[int]()
    for name, value in tensors.items():
        plain = value.detach().cpu().contiguous()  # safetensors does not support channels-last
        start = plain.untyped_storage().data_ptr()
        held[name] = plain.clone() if start in starts else plain  # nor tensors that share memory
        starts.add(start)
    return held


def _save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Into a folder of ours, without a copy of the numbers: a large model's would not fit beside them."""
    ask_before_writing(path)
    with about(path):
        try:
            save_file(storable(tensors), path)
        except SafetensorError as error:
            if (number := _SYSTEM_ERROR.search(str(error))) is None:
                raise
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from None
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def _flat(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value) for index, slots in state.items() for name, value in slots.items()
    }


def _check_numbers(module: nn.Module | None, found: Mapping[str, Tensor]) -> None:
    """Raise ValueError where a tensor in `found` has another dtype than in `module`, or is not finite."""
    for name, value in module.state_dict().items() if module is not None else ():
        given = found.get(name, value)
        # parameters are saved as float32, even if the caller has changed torch's default dtype since
        if given.dtype not in ({value.dtype, torch.float32} if value.is_floating_point() else {value.dtype}):
            raise ValueError(f"{name} is {given.dtype} rather than {value.dtype}")
        if not given.isfinite().all():
            raise ValueError(f"{name} is not finite")


def _slots(optimizer: torch.optim.Optimizer, flat: Mapping[str, Tensor]) -> _Slots:
    """The optimizer's state of each parameter that has had a gradient, from a file's tensors.

    Raises ValueError where names, shapes, types or numbers are not those of this optimizer: its kernels do not check
    them.
    """
    left, found = dict(flat), _Slots()
    places = [(group, parameter) for group in optimizer.param_groups for parameter in group["params"]]
    for index, (group, parameter) in enumerate(places):
        names = {f"{index}.{name}": name for name in kept(group)}
        if left.keys().isdisjoint(names):
            continue
        found[parameter] = {name: left.pop(key) for key, name in names.items() if key in left}
        if missing := names.keys() - flat.keys():
            raise ValueError(f"optimizer.safetensors lacks {min(missing)}")
        for key, name in names.items():
            _check_slot(key, flat[key], name, parameter)
    if left:
        raise ValueError(f"optimizer.safetensors holds {shown(min(left))}, which this model's optimizer does not have")
    return found


def _check_slot(key: str, value: Tensor, name: str, parameter: Tensor) -> None:
    shape, dtype = (torch.Size(), torch.float32) if name == "step" else (parameter.shape, parameter.dtype)
    if (value.shape, value.dtype) != (shape, dtype):
        raise ValueError(
            f"optimizer.safetensors: {key} is {value.dtype} {list(value.shape)} rather than {dtype} {list(shape)}"
        )
    # a mean of squares may overflow to inf, which only freezes its weight
    good = value >= 0 if name in ("step", "exp_avg_sq") else value.isfinite()
    if name == "step":
        good &= value.isfinite() & (value == value.floor())
    if not good.all():
        raise ValueError(f"optimizer.safetensors: {key} holds values that training cannot produce")


def _restore(optimizer: torch.optim.Optimizer, slots: _Slots) -> None:
    """Restore saved state in each parameter's memory layout, which fused kernels assume."""
    optimizer.state.clear()
    for parameter, values in slots.items():
        for name, value in values.items():
            place = torch.empty((), device=parameter.device) if name == "step" else torch.empty_like(parameter)
            optimizer.state[parameter][name] = place.copy_(value)
