"""Atomic writes: a temporary file in the same folder, then a rename, so that a crash leaves the old file or the new.

A folder may come from somebody else and hold links and devices. So isthmus never opens an existing file to overwrite
it, never writes through a link, and gives the temporary file a name that nobody can predict.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from isthmus.core.errors import InputError

_PREFIX, _SUFFIX = ".isthmus-", ".new"
_STALE_SECONDS = 3600.0  # no write takes that long
_guards: dict[str, Callable[[], None]] = {}  # folder -> what is asked before each write in it
# nonblocking: a pipe would keep us waiting for its reader; binary: Windows would write a line feed as two bytes
_IN_PLACE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the file at `path` by one that holds `data`. Raises as `replacing`."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Generator[IO[bytes]]:
    """A file to write to, which replaces the one at `path` if all goes well; a link is replaced, not followed.

    Raises InputError where `path` is a device, a pipe or a socket, OSError where the write fails.
    """
    with about(path):
        if not path.name:  # `.` or `/`: they have no name to put a temporary file beside
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not _is_replaceable(path):
            raise InputError(f"{path}: is not a regular file and is not replaced; remove it, or choose another path")
        beside = path.with_name(f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}")
        try:
            with open(beside, "xb") as file:  # x: fails where the name exists, even as a link
                yield file
                file.flush()
                os.fsync(file.fileno())
            ask_before_writing(path)
            os.replace(beside, path)
        except BaseException:
            with suppress(OSError):  # on a full disk, half a file would be in the way of the next try
                beside.unlink()
            raise


@contextmanager
def guarded(folder: Path, check: Callable[[], None]) -> Generator[None]:
    """Within this block, nothing in `folder` is replaced, renamed or appended to unless `check` returns."""
    key = os.path.abspath(folder)
    _guards[key] = check
    try:
        yield
    finally:
        del _guards[key]


def ask_before_writing(path: Path) -> None:
    """Call the checks of the guarded folders that `path` is in; they raise where it must not be written."""
    if _guards:
        where = os.path.abspath(path)
        for folder, check in tuple(_guards.items()):
            if where.startswith(folder + os.sep):
                check()


def own_folder(folder: Path) -> Path:
    """Create a folder whose name isthmus chose, where it is missing.

    Raises InputError where its name is a link: the link's target would be written to.
    """
    refuse_link(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def refuse_link(folder: Path) -> None:
    """Raise InputError where a folder whose name isthmus chose is a link."""
    if folder.is_symlink():
        raise InputError(f"{folder}: is a link, and isthmus does not write through links; put the folder itself there")


@contextmanager
def open_regular(path: Path, flags: int) -> Generator[IO[bytes]]:
    """Open the regular file at `path` in place, for a lock or a log; `flags` are those of os.open.

    Raises InputError where `path` is anything else, a link included.
    """
    if flags & os.O_APPEND:
        ask_before_writing(path)
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
    """Remove the temporary files that killed processes left in `folder`."""
    with suppress(OSError):
        for entry in os.scandir(folder):
            with suppress(OSError):
                if not is_leftover(entry.name):  # asked first: a user's folder may hold a million files
                    continue
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE_SECONDS:
                    os.unlink(entry.path)


def is_leftover(name: str) -> bool:
    """Whether this is the name of a temporary file, whose write did not finish."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def _is_replaceable(path: Path) -> bool:
    """True for folders too: os.replace then raises the system's own error."""
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
    """Name `path` in an OSError: 'disk full' names no file, and other errors name the temporary one."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise
