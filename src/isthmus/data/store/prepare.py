"""Makes a store in a folder that the user names: for a cluster, for a friend, or to decode once for many options."""

from __future__ import annotations

import secrets
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.values import Dataset
from isthmus.data.interfaces import DataSource, PictureSet
from isthmus.data.loaded_pictures import pictures_of
from isthmus.data.reading_progress import ReadingProgress
from isthmus.data.store.build import build
from isthmus.data.store.opening import is_store, open_store


def prepare(kind: str, source: DataSource, folder: Path) -> Dataset:
    """Decode a data set into the store `folder`, and open it.

    Raises InputError where the folder exists and is not empty, and as `DataSource.load`.
    """
    if folder.is_symlink() and not folder.exists():
        raise InputError(f"{folder}: is a link to nothing; choose another --out, or remove the link")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "already holds a store" if is_store(folder) else "exists and is not empty"
        raise InputError(f"{folder}: {what}; choose another --out, or move it away")
    found: PictureSet = source.pictures() or pictures_of(source.load())
    home = folder if folder.is_dir() else folder.parent  # a folder that exists may begin another disk
    beside = home / f".isthmus-{secrets.token_hex(8)}.new"
    build(found, kind, folder, beside, ReadingProgress())
    return open_store(folder)
