"""Locks that the kernel lets go of when their process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from isthmus.core.atomic_files import open_regular


@contextmanager
def locked_file(path: Path, *, wait: bool) -> Generator[None]:
    """Hold the lock on the file `path`; a missing file is created empty, an existing one is not changed.

    Raises BlockingIOError where another process holds the lock and `wait` is false, InputError where `path` is a
    link or not a regular file.
    """
    with open_regular(path, os.O_RDWR | os.O_CREAT) as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
