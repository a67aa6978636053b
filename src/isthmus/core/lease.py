"""Leases on folders, for computers that share a file system on which locks may not be trusted.

A lease is a file in the folder, `lease-1.json`, which a living process changes every few seconds. Only the making of a
file that must not exist yet decides who holds the folder, as every shared file system does that for all computers in
the same order:

- Who finds no lease makes `lease-1.json`. Of two, one gets it.
- Who has itself watched `lease-N.json` unchanged for the whole lease makes `lease-(N+1).json`. It measures with its own
  clock, so clocks of other computers do not matter. Then it reads `lease-N.json` again, and steps back if it changed.
- Who could not renew its lease in time renews it first and looks for a later one second. As the other side makes the
  later file first and reads second, at least one of the two sees the other.

A lease is renewed in place, not by a new file of its name: that needs no room on a full disk, and it cannot bring a
file back that another process has removed.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from isthmus.core.atomic_files import about, guarded
from isthmus.core.errors import AtWorkElsewhere
from isthmus.core.folder_names import lease_name
from isthmus.core.lease_files import LONGEST, Holder, content_of, generations, holder_of, lock_if_possible, machine
from isthmus.core.locks import is_locked

_RENEWALS = 6  # in a lease
_SURE = 0.8  # share of a lease in which nobody can have taken it over, since its last renewal; less than 1 for clocks
Look = Literal["free", "held", "unsure"]
"""free: anybody can hold it. held: its holder lives. unsure: it was not watched for long enough."""
_held: dict[str, Lease] = {}


def lease_seconds() -> float:
    """How long a dead computer's run stays untouched: ISTHMUS_LEASE_SECONDS, 60 by default."""
    with suppress(ValueError):
        if 0 < (given := float(os.environ.get("ISTHMUS_LEASE_SECONDS", ""))) <= LONGEST:
            return given
    return 60.0


@dataclass(frozen=True)
class _Seen:
    """A lease's file as this process saw it. since: when it first did. lives: whether it has seen it change."""

    content: bytes
    since: float
    lives: bool


class Leases:
    """What this process has seen of the leases of others."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}

    def look(self, folder: Path) -> Look:
        """Whether `folder` can be held now; looking again and again tells whether its holder lives."""
        numbers = generations(folder)
        return "free" if not numbers else self._look_at(folder / lease_name(numbers[-1]))

    @contextmanager
    def hold(self, folder: Path) -> Generator[Lease]:
        """Hold the folder's lease: every write in it through `core.atomic_files` then checks it first.

        Raises HeldElsewhere where `look` says that it is not free, or another process was faster.
        """
        folder.mkdir(parents=True, exist_ok=True)
        lease = self._take(folder)
        key = os.path.abspath(folder)
        _held[key] = lease
        try:
            with guarded(folder, lease.check):
                yield lease
        finally:
            lease.release()
            del _held[key]

    def _take(self, folder: Path) -> Lease:
        numbers = generations(folder)
        last = folder / lease_name(numbers[-1]) if numbers else None
        content = content_of(last) if last is not None else None
        holder = holder_of(content)
        if last is not None and self._look_at(last) != "free":
            raise HeldElsewhere(folder, holder)
        number = numbers[-1] + 1 if numbers else 1
        try:
            lease = Lease(folder, number, over_stopped=last is not None and holder.is_locked(last))
        except FileExistsError:
            raise HeldElsewhere(folder, Holder()) from None
        # the list of files may have been an old one, kept in memory; that of a folder just written to is not
        if max(generations(folder), default=0) != number or (last is not None and content_of(last) != content):
            lease.step_back()
            raise HeldElsewhere(folder, holder)
        for old in numbers:
            with suppress(OSError):
                (folder / lease_name(old)).unlink()
        try:
            lease.begin()
        except OSError:
            lease.release()
            raise
        return lease

    def _look_at(self, path: Path) -> Look:
        content, now = content_of(path), _clock()
        holder = holder_of(content)
        if holder.is_gone(path):
            return "free"
        before = self._seen.get(path)
        if content is None or before is None or before.content != content:
            self._seen[path] = _Seen(content or b"", now, lives=before is not None and content is not None)
        elif now - before.since >= max(holder.seconds, lease_seconds()):
            return "free"
        return "held" if self._seen[path].lives else "unsure"


class HeldElsewhere(AtWorkElsewhere):
    """Another process holds the folder."""

    def __init__(self, folder: Path, holder: Holder) -> None:
        super().__init__(f"{folder}: {holder} is at work here")
        self.holder = holder


class LostLease(AtWorkElsewhere):
    """This process was away for longer than its lease, and another one took the folder over."""


class Lease:
    """A lease that this process holds, and renews in a thread until `release`.

    over_stopped: the process before stood still, on this computer, and may still hold the folder's lock.
    """

    def __init__(self, folder: Path, number: int, *, over_stopped: bool) -> None:
        """Raises FileExistsError where this lease is another's."""
        self.folder, self.number, self.over_stopped = folder, number, over_stopped
        self.path, self.id, self.seconds = folder / lease_name(number), secrets.token_hex(8), lease_seconds()
        self._file: BinaryIO = open(self.path, "xb", buffering=0)  # noqa: SIM115 - until `release`
        self._lockable, self._locked = lock_if_possible(self._file, self.path), False
        self._lost, self._released = "", threading.Event()
        self._guard = threading.Lock()
        self._beat = 0
        try:
            self._sure_until = _clock() + _SURE * self.seconds
            self._write(f"{self._beat:08d}")
        except OSError:  # a full disk: an empty file would keep others waiting
            self._file.close()
            self.path.unlink(missing_ok=True)
            raise

    def step_back(self) -> None:
        """Give up a lease that was not begun. It is not marked as free: the one before may be held by a living process.

        It is removed first and closed second, for a lock that is free would mark it as well.
        """
        with suppress(OSError):
            self.path.unlink()
        self._file.close()

    def begin(self) -> None:
        """The lease is sure: renew it from now on."""
        self._locked = self._lockable
        self._renew()
        threading.Thread(target=self._keep_renewing, name="lease", daemon=True).start()

    def check(self) -> None:
        """Raise LostLease where another process has taken the folder over; call it right before each write."""
        if not self._lost and _clock() >= self._sure_until:
            self._renew()
        if self._lost:
            raise LostLease(self._lost)

    def release(self) -> None:
        """Let go of the folder; others can have it at once."""
        self._released.set()
        with self._guard:
            with suppress(OSError):
                self._write("released")  # in this process's own file, whoever has its name by now
            self._file.close()
            if self._is_mine():
                with suppress(OSError):
                    self.path.unlink()

    def _keep_renewing(self) -> None:
        while not self._lost and not self._released.wait(self.seconds / _RENEWALS):
            with suppress(OSError):  # `check` tells it, once the lease is no longer sure
                self._renew()

    def _renew(self) -> None:
        with self._guard:
            if self._lost or self._released.is_set():
                return
            began = _clock()
            self._beat += 1
            try:
                self._write(f"{self._beat:08d}")
            except OSError as error:
                if error.errno != errno.ESTALE:  # a file server says so of a file that was removed
                    raise
            if began >= self._sure_until:
                self._touch_folder()
            later = max(generations(self.folder), default=0) > self.number
            if later or not self._is_mine():
                what = "another process took over" if later else "its lease was removed"
                self._lost = (
                    f"{self.folder}: this process stood still for longer than its lease of {self.seconds:g} s, and "
                    f"{what}; it writes nothing more there"
                )
                return
            self._sure_until = began + _SURE * self.seconds

    def _touch_folder(self) -> None:
        """Change the folder, so that the next list of it comes from the file server and not from memory."""
        beside = self.folder / f".isthmus-{secrets.token_hex(8)}.new"
        with suppress(OSError):
            open(beside, "xb").close()
            beside.unlink()

    def _is_mine(self) -> bool:
        return holder_of(content_of(self.path)).id == self.id

    def _write(self, beat: str) -> None:
        """The same number of bytes every time."""
        whose = {"host": machine().host, "process": os.getpid(), "machine": machine().id, "id": self.id}
        how = {"seconds": self.seconds, "locked": int(self._locked), "beat": beat}
        with about(self.path):
            self._file.seek(0)
            self._file.write(json.dumps({**whose, **how}).encode() + b"\n")
            os.fsync(self._file.fileno())


def held_here(folder: Path) -> Lease | None:
    """The lease on `folder` that this process holds."""
    return _held.get(os.path.abspath(folder))


def is_in_use(folder: Path) -> bool:
    """Whether a process is at work in a run's or a study's folder."""
    return is_locked(folder / "lock") or held_by(folder) is not None


def held_by(folder: Path) -> Holder | None:
    """Who has the lease on `folder`; None if nobody, or a process of this computer that has ended.

    A process of another computer counts as long as nobody has taken its lease over: without watching it for a while,
    nobody knows whether it lives.
    """
    numbers = generations(folder)
    if not numbers:
        return None
    path = folder / lease_name(numbers[-1])
    try:
        holder = holder_of(content_of(path))
    except OSError:  # of another user, who keeps it secret
        return Holder()
    return None if holder.is_gone(path) else holder


def _clock() -> float:
    """Seconds, also of the time in which the computer slept; no clock that people or servers set."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)
