"""The processor's model and features, as Linux reports them."""

from __future__ import annotations

import functools
import platform


def name() -> str:
    """The processor's model, for records."""
    return _told().get("model name") or platform.processor() or platform.machine()


def flags() -> frozenset[str]:
    """The processor's features, by Linux's names; empty on other systems."""
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
