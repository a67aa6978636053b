"""What the processor is, as far as Linux tells."""

from __future__ import annotations

import functools
import platform


def name() -> str:
    """Its model, for records."""
    return _told().get("model name") or platform.processor() or platform.machine()


def flags() -> frozenset[str]:
    """What it can do, in Linux's words; empty elsewhere."""
    told = _told()
    return frozenset(told.get("flags", told.get("Features", "")).split())


@functools.cache
def _told() -> dict[str, str]:
    """The first core's lines of /proc/cpuinfo."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            core = file.read().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in core.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}
