"""Stores in the cache folder, found by what they were made from, so that pictures are decoded once.

A store's name is a hash of the source's files (paths, sizes, times), of what else decides the pixels, and of their
form. So a picture that changes gives another store.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

from isthmus.core.atomic_files import about
from isthmus.core.errors import InputError, RunError
from isthmus.core.explain import FULL_DISK
from isthmus.core.locks import locked_file
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.interfaces import DataSource, PictureSet
from isthmus.data.reading_progress import reading_progress
from isthmus.data.store.build import build
from isthmus.data.store.header import FORMAT
from isthmus.data.store.opening import open_store, read_header

# Decoding less takes a second or two at most, and a store of it would only fill the cache.
_WORTH = 16 << 20  # bytes of files
_WORTH_DRAWN = 50_000  # pictures that come from no file


@dataclass(frozen=True)
class Kept:
    """A store, or another file, in the cache. source: what it was made from, in words. bytes: on the disk."""

    path: Path
    source: str
    bytes: int


def read(kind: str, source: DataSource, cache: Path) -> Dataset:
    """The images of a data set: from its store in the cache, which is made first if that is worth it, else in memory.

    kind: the data set's, for the record. Raises as `DataSource.load`.
    """
    found = source.pictures()
    if found is None:
        return source.load()
    return _stored(kind, found, cache) if _is_worth_it(found) else decode.load(found)


def stores(cache: Path) -> Iterator[Kept]:
    """All stores in a cache folder, with what builds that were killed have left."""
    for folder in sorted(_home(cache).glob("*/")):
        try:
            source = read_header(folder).source
        except InputError:
            source = "not finished or damaged"
        yield Kept(folder, source, sum(file.stat().st_size for file in folder.iterdir() if file.is_file()))


def fitted(cache: Path) -> Iterator[Kept]:
    """The fitted baselines in a cache folder."""
    for path in sorted(cache.glob("pca-*.safetensors")):
        yield Kept(path, "fitted PCA", path.stat().st_size)


def remove(kept: Kept) -> bool:
    """Delete it; false where a process is making it. A training that reads a store keeps its open files."""
    if kept.path.is_file():
        kept.path.unlink()
        return True
    lock = _lock(kept.path.with_name(kept.path.name.removesuffix(_NEW)))
    try:
        with locked_file(lock, wait=False), about(kept.path):
            shutil.rmtree(kept.path)
    except BlockingIOError:
        return False
    return True


_NEW = ".new"


def _home(cache: Path) -> Path:
    return cache / "stores"


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _is_worth_it(found: PictureSet) -> bool:
    if not found.files:
        return sum(map(len, found.parts.values())) >= _WORTH_DRAWN
    total = accumulate(size for _, size, _ in _stamps(found.files))
    return any(size >= _WORTH for size in total)  # asks no more files than needed


def _stored(kind: str, found: PictureSet, cache: Path) -> Dataset:
    folder = _home(cache) / _name(kind, found)
    try:
        with suppress(InputError):  # missing, or damaged and made again
            return open_store(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with locked_file(_lock(folder), wait=True):  # several runs of a study may want it at once
            with suppress(InputError):
                return open_store(folder)
            if folder.exists():
                shutil.rmtree(folder)
            build(found, kind, folder, folder.with_name(folder.name + _NEW), reading_progress())
        return open_store(folder)
    except OSError as error:
        if error.errno in FULL_DISK:
            raise RunError(
                f"{folder.parent}: there is no room for the decoded images; free some with `isthmus data clean`, or "
                "set ISTHMUS_DATA to a folder on a larger disk"
            ) from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return decode.load(found)  # a cache that cannot be written only costs time
        raise


def _name(kind: str, found: PictureSet) -> str:
    facts = [FORMAT, kind, asdict(found.form), found.skip_broken, dict(found.identity), list(_stamps(found.files))]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _stamps(files: Iterable[str | Path]) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of each; zeros for one that is not there, which decoding reports or leaves out."""
    for file in files:
        try:
            status = os.stat(file)
            yield str(file), status.st_size, status.st_mtime_ns
        except OSError:
            yield str(file), 0, 0
