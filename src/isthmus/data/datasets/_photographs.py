"""The photographs of each split, and crops without copies."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.values import ImageSet
from isthmus.core.wording import counted
from isthmus.data.content_hashes import as_keys, content_hashes
from isthmus.data.picture_files import list_pictures

_HELD_OUT = 10  # one photograph of so many, and at least one, for validation and for test each


def photographs_of(top: Path, folders: Mapping[str, Path], notices: list[str]) -> Mapping[str, Sequence[str]]:
    """Split -> its photographs, where `folders` has no folder for a split, some of the training photographs.

    Which ones depends on their names in `top` alone. Adds notices about other files. Raises InputError where there are
    too few photographs.
    """
    parts: dict[str, list[str]] = {}
    for split, folder in folders.items():
        listing = list_pictures(folder, "data.path")
        notices += [notice for notice in listing.notices if "without labels" not in notice]
        parts[split] = list(listing.paths)
    train = sorted(parts["train"], key=lambda path: hashlib.sha256(_inside(top, path)).digest())
    held = max(1, len(train) // _HELD_OUT)
    for split in ("validation", "test"):
        if split not in parts:
            parts[split], train = sorted(train[:held]), train[held:]
    if not train:
        raise InputError(
            f"data.path: {top} holds {counted(len(parts['train']), 'photograph')}, too few to train, validate and test "
            "on; use three or more"
        )
    return {**parts, "train": sorted(train)}


def _inside(top: Path, path: str) -> bytes:
    return os.path.relpath(path, top).encode(errors="surrogateescape")


def unseen(crops: np.ndarray, known: set[bytes]) -> ImageSet:
    """The crops that are not in `known`, to which they are added: an even sky gives the same crop again and again."""
    hashes = content_hashes(crops)
    rows: list[int] = []
    for row, key in enumerate(map(bytes, as_keys(hashes))):
        if key not in known:
            known.add(key)
            rows.append(row)
    return ImageSet(crops[rows], hashes=hashes[rows])
