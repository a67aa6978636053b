"""Shows on stderr how many pictures have been read, how many a second, and the time left."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 10.0  # between two lines, where stderr is not a terminal
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
        self.console = Console(stderr=True, quiet=_quiet.get(), highlight=False, soft_wrap=True)
        self.bar = Progress(
            TextColumn("Reading images"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.task = self.bar.add_task("", total=None, detail="")
        self.live = self.console.is_terminal and not self.console.quiet
        self.total = self.done = 0
        self.begun = self.told = time.monotonic()

    def __enter__(self) -> ReadingProgress:
        if self.live:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.bar.stop()

    def begin(self, total: int) -> None:
        """From the start again: `total` pictures are to be read."""
        self.total, self.done = total, 0
        self.begun = self.told = time.monotonic()
        self.bar.reset(self.task, total=total, detail="")

    def tell(self, sentence: str) -> None:
        """Show a sentence that stays."""
        self.console.print(sentence, markup=False)

    def advance(self, count: int) -> None:
        """`count` more pictures have been read."""
        self.done += count
        now = time.monotonic()
        rate = self.done / max(now - self.begun, 1e-3)
        detail = f"{self.done:,} of {self.total:,}, {rate:,.0f} images/s"
        if self.live:
            self.bar.update(self.task, completed=self.done, detail=detail)
        elif now - self.told > _LINE_SECONDS:
            self.told = now
            left = (self.total - self.done) / rate
            self.console.print(f"Reading images: {detail}, {left:,.0f} s left", markup=False)
