"""Writes to the path that a user gave: a file or, as with `-o /dev/stdout`, a device or a pipe."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from isthmus.core.atomic_files import about, remove_leftovers, replacing
from isthmus.core.errors import InputError

_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
# marks in the first bytes, by which isthmus recognises files that it made
MAKER = "isthmus"
_PNG_MARK, _HTML_MARK = b"Software\0" + MAKER.encode(), f'<meta name="generator" content="{MAKER}">'.encode()
_BEGINNING = 512
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


def is_stream(path: Path) -> bool:
    """Whether `path` is a device, a pipe or an open file, so that its suffix says nothing about the format."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def check_free(path: Path, *earlier: bytes) -> None:
    """Protect files that isthmus did not make: a file at `path` may only be replaced if it is empty or isthmus made it.

    earlier: other marks by which an earlier version's files are recognised.
    Raises InputError for any other file, and for a folder.
    """
    if is_stream(path):
        return
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except (FileNotFoundError, NotADirectoryError):
        return
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder where a file is needed; name a file") from None
    except PermissionError:
        beginning = b"?"
    if beginning and not any(mark in beginning for mark in (_PNG_MARK, _HTML_MARK, *earlier)):
        raise InputError(
            f"{path}: already exists and was not made by isthmus; choose another path, or move that file away"
        )


def deliver(path: Path, data: bytes) -> None:
    """Write `data` to the file or stream `path`; a missing folder is created.

    Replaces only files that `check_free` allows. Raises InputError where `path` cannot be written to, OSError where
    writing fails.
    """
    if not is_stream(path):
        check_free(path)
    with delivering(path) as file:
        file.write(data)


@contextmanager
def delivering(path: Path) -> Generator[IO[bytes]]:
    """`deliver` for what is written bit by bit: a file appears at `path` when all of it is written, or not at all.

    The caller has checked that the file at `path` may be replaced. Raises as `deliver`.
    """
    if is_stream(path):
        with _sending(path) as file:
            yield file
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)  # a killed process may have left gigabytes in a hidden file
    with replacing(path) as file:
        yield file


@contextmanager
def _sending(path: Path) -> Generator[IO[bytes]]:
    held = _descriptor(path)
    with about(path):
        if held is not None:
            sys.stdout.flush()
            descriptor = os.dup(held)  # opened again, a file would be written from its start
        else:
            descriptor = _open(path)
        with open(descriptor, "wb") as file:
            yield file


def _open(path: Path) -> int:
    mode = path.stat().st_mode
    if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise InputError(f"{path}: is neither a file nor a device or pipe that can be written to; choose another --out")
    try:
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise InputError(f"{path}: is a pipe that nobody reads; start its reader first") from None
        raise
    if os.name != "nt":  # Windows opens its devices without a mode to be undone
        os.set_blocking(descriptor, True)
    return descriptor


def _descriptor(path: Path) -> int | None:
    """The file descriptor that `path` stands for; None where it is an ordinary path."""
    found = _DESCRIPTOR.fullmatch(str(path))
    return int(found[1]) if found else _STREAMS.get(str(path))
