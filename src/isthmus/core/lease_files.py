"""What a lease's file says, and what the kernel says of the process that holds it."""

from __future__ import annotations

import errno
import os
import platform
import uuid
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from isthmus.core.bounded_reading import open_ordinary, parse_json, read_bytes
from isthmus.core.folder_names import LEASE
from isthmus.core.locks import is_locked
from isthmus.core.wording import printable, shortened

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_LARGEST = 4096  # bytes
LONGEST = 3600.0  # seconds; a file may ask for no longer lease
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Machine:
    """This computer: its name for people, and what no other computer has."""

    host: str
    id: str


@cache
def machine() -> Machine:
    host = platform.node() or "unknown"
    with suppress(OSError):
        return Machine(host, _BOOT.read_text().strip())
    return Machine(host, f"{host}-{uuid.getnode():x}")


@dataclass(frozen=True)
class Holder:
    """Who a lease's file says holds it; the defaults are of a file that says nothing, as one that is being made.

    locked: whether its process also holds the file's lock, on a file system on which that was seen to work. It is said
    only once the lease is sure, so that a process that dies while it takes over leaves a lease to be watched.
    """

    host: str = ""
    process: int = 0
    machine: str = ""
    id: str = ""
    seconds: float = 0.0
    locked: bool = False
    released: bool = False

    def __str__(self) -> str:
        if not self.host:
            return "another process"
        where = "this computer" if self.machine == machine().id else f"computer {shortened(printable(self.host), 60)}"
        return f"process {self.process} of {where}"

    def is_gone(self, path: Path) -> bool:
        """Whether it let go, or was a process of this computer that has ended. path: the lease's file."""
        return self.released or (self._lock_tells() and _can_be_locked(path))

    def is_locked(self, path: Path) -> bool:
        """Whether it is a process of this computer, which lives."""
        return self._lock_tells() and is_locked(path)

    def _lock_tells(self) -> bool:
        return self.locked and self.machine == machine().id


def content_of(path: Path) -> bytes | None:
    """The bytes of a lease's file; None where it was removed. Raises OSError where it may not be read."""
    try:
        return read_bytes(path, largest=_LARGEST)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESTALE):
            return None
        if error.errno in (errno.EFBIG, errno.EINVAL):  # not what isthmus wrote
            return b""
        raise


def holder_of(content: bytes | None) -> Holder:
    """What the bytes say; anything that does not fit counts as not said."""
    try:
        told = parse_json(content or b"")
        seconds = min(max(float(told["seconds"]), 0.0), LONGEST)
        released, locked = told["beat"] == "released", told["locked"] == 1
        process = int(told["process"])
        return Holder(str(told["host"]), process, str(told["machine"]), str(told["id"]), seconds, locked, released)
    except (ValueError, TypeError, KeyError, OverflowError):
        return Holder()


def generations(folder: Path) -> list[int]:
    """The numbers of the leases in `folder`, in order."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(int(found[1]) for name in names if (found := LEASE.fullmatch(name)))


def _can_be_locked(path: Path) -> bool:
    if fcntl is None:
        return False
    try:
        with open_ordinary(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that two who look do not see each other
    except OSError:
        return False
    return True


def lock_if_possible(file: BinaryIO, path: Path) -> bool:
    """Lock a lease's file for as long as its process lives; whether that works on this file system."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return is_locked(path)  # a second look at it must be refused; some file systems say yes to everyone
