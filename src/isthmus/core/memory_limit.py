"""How much memory this process may take: the machine, a container and the shell (`ulimit -v`) each set a limit."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from isthmus.core.errors import RunError
from isthmus.core.wording import size


def check_start() -> None:
    """Raise RunError where `ulimit -v` is too low to load PyTorch: the process would end with an obscure message."""
    limit = address_limit()
    if limit is not None and limit < _LIBRARIES:
        raise RunError(
            f"PyTorch alone takes {size(_LIBRARIES)} of address space, and this process may have {size(limit)}; "
            "raise the memory limit (`ulimit -v`)"
        )


def check_room(needed: int, what: str, remedy: str) -> None:
    """Raise RunError where fewer than `needed` bytes are free for `what`; the message says how many are."""
    free = available()
    if free is not None and needed > free:
        raise RunError(f"{what} need {size(needed)} of memory, and {size(free)} are free; {remedy}")


def address_limit() -> int | None:
    """Bytes of address space that `ulimit -v` allows; None for no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def available() -> int | None:
    """Bytes that this process may still take; None where the system does not say."""
    return min((limit for limit in (_machine(), _process(), _group()) if limit is not None), default=None)


_LIBRARIES = 1_250_000_000  # bytes: with less, the loader or the interpreter ends the process with a message of its own


def _machine() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    with suppress(OSError, ValueError, AttributeError):  # all memory, where the system does not say how much is free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _process() -> int | None:
    """Bytes that `ulimit -v` leaves; None for no limit."""
    limit = address_limit()
    if limit is None:
        return None
    with suppress(OSError, ValueError):
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
        return max(0, limit - taken)
    return limit


def _group() -> int | None:
    """Bytes that the control group of a container or cluster job leaves: its limit minus what cannot be freed."""
    try:
        lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError):
        return None
    found: list[int] = []
    for _, controllers, place in lines:
        if controllers not in ("", "memory"):
            continue
        root = Path("/sys/fs/cgroup", controllers)
        limit, taken = _GROUP_FILES[controllers]
        for folder in (root, root / place.strip("/")):  # inside a container, the first is the container's own group
            with suppress(OSError, ValueError, KeyError):  # "max", where there is no limit
                usage = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                found.append(max(0, int((folder / limit).read_text()) - int(usage[taken])))
    return min(found, default=None)


_GROUP_FILES = {"": ("memory.max", "anon"), "memory": ("memory.limit_in_bytes", "total_rss")}
