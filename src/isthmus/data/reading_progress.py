"""Shows on stderr how many pictures have been read, how many a second, and the time left."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from isthmus.core.counting_bar import CountingBar

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def quiet(on: bool = True) -> Generator[None]:
    """Inside the block, nothing is shown."""
    before = _quiet.set(on)
    try:
        yield
    finally:
        _quiet.reset(before)


def reading_progress() -> CountingBar:
    """A bar on a terminal; elsewhere a line every ten seconds."""
    return CountingBar(
        "Reading images", lambda done, of, rate: f"{done:,} of {of:,}, {rate:,.0f} images/s", quiet=_quiet.get()
    )
