"""Puts a finished store into the folder that it is for, and never over anything that lies there."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from isthmus.core.atomic_files import about, own_folder
from isthmus.core.errors import InputError, RunError
from isthmus.core.locks import locked_file
from isthmus.data.store.header import HEADER

_LOCK = "lock"
_LONGEST = 40  # characters of a name that is part of another: file systems allow 255 bytes


def check_free(folder: Path) -> None:
    """Raise InputError unless `folder` is missing or empty; what a killed process left in it does not count."""
    if folder.is_symlink() and not folder.exists():
        raise InputError(f"{folder}: is a link to nothing; choose another --out, or remove the link")
    if not folder.exists():
        return
    if folder.is_dir() and all(file == workshop_of(folder) for file in folder.iterdir()):
        return
    what = "already holds a store" if (folder / HEADER).is_file() else "exists and is not empty"
    raise InputError(f"{folder}: {what}; choose another --out, or move it away")


def workshop_of(folder: Path) -> Path:
    """Where the store for `folder` is made, on the same disk: beside it, or in it where it exists."""
    name = folder.resolve().name
    if len(name) > _LONGEST:
        name = name[:_LONGEST] + hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    # a folder that exists may begin another disk
    return (folder if folder.is_dir() else folder.parent) / f".isthmus-{name}.new"


@contextmanager
def workshop(folder: Path) -> Generator[Path]:
    """A place to make the store for `folder` in, which no other process uses; it is removed at the end.

    Its name follows from the folder's, so what a killed process left there is found and replaced. Raises RunError
    where another process makes a store for the same folder, OSError about `folder` where its disk cannot be written.
    """
    home = workshop_of(folder)
    with ExitStack() as held:
        while not _is_locked(home, folder, held):
            held.close()
        try:
            yield home / "store"
        finally:  # while the lock is held: the next process may begin to work there after it
            shutil.rmtree(home, ignore_errors=True)


def _is_locked(home: Path, folder: Path, held: ExitStack) -> bool:
    """Lock the workshop `home`; false where a process that ended has removed it just now."""
    lock = home / _LOCK
    try:
        with about(folder):
            own_folder(home)
            lock.touch()
            found = lock.stat().st_ino
            held.enter_context(locked_file(lock, wait=False))
            return lock.exists() and lock.stat().st_ino == found
    except BlockingIOError:
        raise RunError(
            f"{folder}: another process is making a store there; wait for it, or choose another --out"
        ) from None
    except FileNotFoundError:
        if home.parent.is_dir():
            return False
        raise


def place(made: Path, folder: Path) -> None:
    """Move the folder `made`, on the same disk, to `folder`. Raises InputError where that is not free any more."""
    check_free(folder)
    if folder.is_dir():
        _move_files(made, folder)
        return
    try:
        os.rename(made, folder)  # fails where a file, or a folder that is not empty, appears in this moment
    except OSError:
        check_free(folder)
        raise


def _move_files(made: Path, folder: Path) -> None:
    """File by file, for a shell or a link may stand in the folder; with what makes it a store last."""
    moved = list[Path]()
    try:
        for file in sorted(made.iterdir(), key=lambda file: file.name == HEADER):
            target = folder / file.name
            with open(target, "xb"):  # fails where a file of this name exists; the empty one is replaced
                moved.append(target)
            os.replace(file, target)
    except BaseException as error:
        for file in moved:
            file.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            check_free(folder)
        raise
    made.rmdir()
