"""What the user asked to be written where: a file, or with `-o /dev/stdout` a device or a pipe."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from pathlib import Path

from isthmus.core.atomic_files import about, write_bytes
from isthmus.core.errors import InputError

_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
# by which isthmus knows its own files again, each in the first bytes
MAKER = "isthmus"
_PNG_MARK, _HTML_MARK = b"Software\0" + MAKER.encode(), f'<meta name="generator" content="{MAKER}">'.encode()
_BEGINNING = 512
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


def is_stream(path: Path) -> bool:
    """Whether bytes are sent to `path`: a device, a pipe or an open file, for which no name says its kind."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def check_free(path: Path, *earlier: bytes) -> None:
    """See that nothing of somebody else's is lost where `path` is written: a file there is empty, or made by isthmus.

    earlier: other marks that isthmus has left near the beginning of such a file.

    Raises InputError where it is neither, or a folder is there.
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
            f"{path}: is there already and was not made by isthmus; choose another path, or move that file away"
        )


def deliver(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whose folder is made where it is missing; a stream is sent it.

    Of files, only those are replaced that `check_free` lets pass. Raises InputError for what takes no bytes, OSError
    where writing fails.
    """
    if is_stream(path):
        _send(path, data)
        return
    check_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, data)


def _send(path: Path, data: bytes) -> None:
    held = _descriptor(path)
    with about(path):
        if held is not None:
            sys.stdout.flush()
            descriptor = os.dup(held)  # opened anew, a file would be written from its start
        else:
            descriptor = _open(path)
        with open(descriptor, "wb") as file:
            file.write(data)


def _open(path: Path) -> int:
    mode = path.stat().st_mode
    if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise InputError(f"{path}: is neither a file nor something that takes bytes; choose another --out")
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
    """The number of the open file that `path` stands for; None where it is a name like any other."""
    found = _DESCRIPTOR.fullmatch(str(path))
    return int(found[1]) if found else _STREAMS.get(str(path))
