"""The files of a checkpoint and their digests, without torch; `training/checkpoint.py` writes and loads checkpoints."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from pathlib import Path

from isthmus.core.bounded_reading import open_ordinary, read_bytes
from isthmus.run_files.read import parse_record
from isthmus.run_files.state import State

FORMAT = 1
STATE, OPTIMIZER = "state.json", "optimizer.safetensors"
TENSORS = ("model.safetensors", "objective.safetensors", OPTIMIZER)
NAMES = ("last", "best")
SUFFIXES = ("", ".new", ".old")  # in the order in which they are tried


def read_state(folder: Path) -> State:
    """state.json of a checkpoint. Raises OSError where it is missing, ValueError where it does not fit."""
    state = parse_record(read_bytes(folder / STATE), State)
    if state.format > FORMAT:
        raise ValueError(f"format {state.format} is from a newer isthmus")
    return state


def files_of(folder: Path, state: State) -> dict[str, Path]:
    """Name -> path of each file of the checkpoint, seen to be the one that was saved.

    Raises OSError where one is missing, ValueError where it is another.
    """
    return {name: _found(folder, state, name) for name in state.digests}


def _found(folder: Path, state: State, name: str) -> Path:
    """A file in the folder or, where another checkpoint holds the same weights, in that one's."""
    homes = [folder]
    if state.same_weights_as:  # a training that goes on may have saved a better one since
        homes = [folder.with_name(state.same_weights_as + suffix) for suffix in SUFFIXES]
    for path in (home / name for home in homes):
        with suppress(FileNotFoundError):
            if digest_of(path) == state.digests[name]:
                return path
    if not any((home / name).exists() for home in homes):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(homes[0] / name))
    raise ValueError(f"{name} does not match its digest")


def digest_of(path: Path) -> str:
    """BLAKE2b digest of a file, as state.json holds it."""
    with open_ordinary(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def holds_optimizer(folder: Path) -> bool:
    """Whether the checkpoint at `folder` holds an optimizer's state, so that training goes on exactly."""
    try:
        return OPTIMIZER in read_state(folder).digests
    except (OSError, ValueError):
        return False
