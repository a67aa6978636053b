"""Which data set reads a file or a folder."""

from __future__ import annotations

import re
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.data.picture_files import SUFFIXES
from isthmus.data.store.opening import is_store

_KINDS = {".parquet": "parquet", ".tar": "tar", ".npy": "arrays", ".npz": "arrays", ".safetensors": "arrays"}
_IDX = re.compile(r"-idx\d-")


def holds_many(path: Path) -> bool:
    """Whether a file, by its name, is one of many images and not a picture."""
    return path.suffix.lower() in _KINDS or bool(_IDX.search(path.name))


def kind_of(path: Path) -> str:
    """The data set that reads a file or a folder, by what is in it; `folder` also reads single pictures.

    Raises InputError where two would.
    """
    if not path.is_dir():
        return _KINDS.get(path.suffix.lower(), "idx" if _IDX.search(path.name) else "folder")
    if is_store(path):
        return "store"
    pictures = any(file.suffix.lower() in SUFFIXES for file in path.rglob("*"))
    if pictures and any(path.rglob("train*.parquet")):
        raise InputError(
            f"data: {path} holds image files and train*.parquet; say which to read, as "
            f"data={{'kind': 'folder', 'path': {str(path)!r}}} or with 'parquet'"
        )
    if pictures:  # beside pictures, a parquet file of another name is a table about them
        return "folder"
    if any(path.rglob("*.parquet")):
        return "parquet"
    if any(path.glob("*.tar")):
        return "tar"
    if any(path.glob("*.npy")):
        return "arrays"
    return "idx" if any(_IDX.search(file.name) for file in path.rglob("*ubyte*")) else "folder"
