"""Everything that isthmus writes to disk: beside its place and renamed, so that a crash leaves the old file or the new.

A folder may come from somebody else and hold links and devices. So no file that exists is opened to be written over, no
link is written through, and what is written beside has a name that nobody can know before.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from isthmus.core.errors import InputError

_PREFIX, _SUFFIX = ".isthmus-", ".new"
_STALE_SECONDS = 3600.0  # no file takes that long to be written
# nonblocking: a pipe would keep us waiting for its reader; binary: Windows would write a line feed as two bytes
_IN_PLACE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Put a file that holds `data` in the place of `path`, of which a link is replaced and not followed.

    Raises InputError where a device, a pipe or a socket is there, OSError where the disk does not take it.
    """
    with about(path):
        if not path.name:  # `.` or `/`, which have nothing beside them
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not _is_replaceable(path):
            raise InputError(
                f"{path}: is no regular file, and nothing else is replaced; remove it, or choose another path"
            )
        beside = path.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
        try:
            with open(beside, "xb") as file:  # x: created here, so neither a link nor another's file
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            with suppress(OSError):  # on a full disk, half a file is in the way of the next try
                beside.unlink()
            raise


def own_folder(folder: Path) -> Path:
    """A folder that isthmus itself names inside another, made where it is missing.

    Raises InputError where a link is in its place: what is written there would land elsewhere.
    """
    refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def refuse_link(folder: Path) -> None:
    """Raises InputError where a link is in the place of a folder that isthmus itself names inside another."""
    if folder.is_symlink():
        raise InputError(f"{folder}: is a link, and nothing is written through one; put the folder itself there")


@contextmanager
def open_regular(path: Path, flags: int) -> Generator[IO[bytes]]:
    """Open the regular file at `path` in place, as a lock or a log is; `flags` as os.open has them.

    Raises InputError where something else is there, a link included.
    """
    with about(path):
        try:
            descriptor = os.open(path, flags | _IN_PLACE, 0o666)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO) or path.is_symlink():
                raise no_regular_file(path) from None
            raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise no_regular_file(path)
    with open(descriptor, "ab" if flags & os.O_APPEND else "rb+") as file:
        yield file


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed in the middle of a write left in `folder`."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            with suppress(OSError):
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if is_leftover(entry.name) and age > _STALE_SECONDS:
                    os.unlink(entry.path)


def is_leftover(name: str) -> bool:
    """Whether a file of this name was being written, and holds nothing yet."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def _is_replaceable(path: Path) -> bool:
    """Folders too: that they cannot be replaced is the system's to say."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)


def no_regular_file(path: Path) -> InputError:
    """What to say of a link, a pipe or a folder in the place of a file that is written in place, or locked."""
    return InputError(f"{path}: is a link or no regular file, and is not written to; remove it")


@contextmanager
def about(path: Path) -> Generator[None]:
    """Tell an OSError which file it is about: one that finds the disk full does not say, and others name a stand-in."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise
