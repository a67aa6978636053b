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


class ReadingProgress:
    """A bar on a terminal; elsewhere a line every ten seconds. A context manager, so that the terminal is restored."""

    def __init__(self) -> None:
        self._bar = CountingBar("Reading images", quiet=_quiet.get())
        self._total = self._done = 0

    def __enter__(self) -> ReadingProgress:
        self._bar.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bar.__exit__(*raised)

    def begin(self, total: int) -> None:
        """From the start again: `total` pictures are to be read."""
        self._total, self._done = total, 0
        self._bar.begin(total)

    def tell(self, sentence: str) -> None:
        """Show a sentence that stays."""
        self._bar.console.print(sentence, markup=False)

    def advance(self, count: int) -> None:
        """`count` more pictures have been read."""
        self._done += count
        rate = self._bar.rate(self._done)
        self._bar.show(self._done, f"{self._done:,} of {self._total:,}, {rate:,.0f} images/s")
