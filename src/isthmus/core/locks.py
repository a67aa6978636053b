"""Locks that the system releases when their process ends, however it ends."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from isthmus.core.atomic_files import about, no_regular_file

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


# whoever lists runs tries their locks, each for an instant; a training that begins then must not be refused
_PATIENCE_SECONDS = 0.2


@contextmanager
def locked_file(path: Path, *, wait: bool) -> Generator[None]:
    """Hold the lock on the file `path`; a missing file is created empty, an existing one is not changed.

    Raises BlockingIOError if another process holds the lock and `wait` is false, InputError if `path` is a
    link or not a regular file.
    """
    _refuse_irregular(path)
    lock = _lock(path)
    with about(path):
        try:
            lock.acquire(timeout=-1 if wait else _PATIENCE_SECONDS, poll_interval=0.02)
        except Timeout:
            raise BlockingIOError(f"{path}: is locked by another process") from None
        except OSError:
            _refuse_irregular(path)  # a link that was created after the first check is not followed
            raise
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock on the file `path`; no file is made. False where that cannot be tried."""
    try:
        return _is_held(path) if stat.S_ISREG(path.lstat().st_mode) else False
    except OSError:  # a missing file, or one on a disk that cannot be written to, where nobody is at work
        return False


def _is_held(path: Path) -> bool:
    if fcntl is None:
        try:
            with _lock(path).acquire(timeout=0):
                return False
        except Timeout:
            return True
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # what FileLock uses; shared, so that two who look do not see each other
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the latter on some file systems
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(path: Path) -> FileLock:
    return FileLock(
        path,
        thread_local=False,  # a generator that holds it may end in another thread
        fallback_to_soft=False,  # a soft lock would stay after its process is killed
        preserve_lock_file=True,  # deleting it would let two processes lock two files of the same name
    )


def _refuse_irregular(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise no_regular_file(path)
