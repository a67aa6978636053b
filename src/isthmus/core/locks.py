"""Locks that the system releases when their process ends, however it ends."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from isthmus.core.atomic_files import about, no_regular_file

_LISTED = Path("/proc/locks")


@contextmanager
def locked_file(path: Path, *, wait: bool) -> Generator[None]:
    """Hold the lock on the file `path`; a missing file is created empty, an existing one is not changed.

    Raises BlockingIOError if another process holds the lock and `wait` is false, InputError if `path` is a
    link or not a regular file.
    """
    _refuse_irregular(path)
    lock = FileLock(
        path,
        thread_local=False,  # a generator that holds it may end in another thread
        fallback_to_soft=False,  # a soft lock would stay after its process is killed
        preserve_lock_file=True,  # deleting it would let two processes lock two files of the same name
    )
    with about(path):
        try:
            lock.acquire(blocking=wait)
        except Timeout:
            raise BlockingIOError(f"{path}: is locked by another process") from None
        except OSError:
            _refuse_irregular(path)  # a link that was created after the first check is not followed
            raise
    try:
        yield
    finally:
        lock.release()


def is_seen_held(path: Path) -> bool:
    """Whether a process on this machine holds the lock, as far as the system lists locks; it is not touched.

    False says little: only Linux lists locks, and only those of processes that are visible from here.
    """
    try:
        status = path.lstat()
        listed = _LISTED.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False
    wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    return any(wanted in line.split() for line in listed.splitlines())


def _refuse_irregular(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise no_regular_file(path)
