"""A bar on stderr for work that is counted; elsewhere than on a terminal, a line every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 10.0  # between two lines, where stderr is not a terminal


class CountingBar:
    """Shows `title`, how much is done, and the time left. A context manager, so that the terminal is restored.

    in_words: how many things are done, of how many, and how many a second -> what stands beside the bar.
    """

    def __init__(self, title: str, in_words: Callable[[int, int, float], str], *, quiet: bool, total: int = 0) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self.live = self.console.is_terminal and not quiet
        self._title, self._in_words = title, in_words
        self._bar = Progress(
            TextColumn(title),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, detail="")
        self.begin(total)

    def __enter__(self) -> CountingBar:
        if self.live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self._bar.stop()

    def begin(self, total: int) -> None:
        """From the start: `total` things are to be done."""
        self._total, self._done = total, 0
        self._begun = self._told = time.monotonic()
        self._bar.reset(self._task, total=total or None, detail="")

    def skip_to(self, place: int) -> None:
        """The thing at this place is begun; those before it are done, or were left out."""
        self._done = place

    def advance(self, count: int = 1) -> None:
        """So many more things are done."""
        self._done += count
        self._show(self._done)

    def within(self, share: float) -> None:
        """So much of the next thing is done, up to 1."""
        self._show(self._done + share)

    def tell(self, sentence: str) -> None:
        """Show a sentence that stays."""
        self.console.print(sentence, markup=False)

    def _show(self, done: float) -> None:
        now = time.monotonic()
        rate = done / max(now - self._begun, 1e-3)
        detail = self._in_words(self._done, self._total, rate)
        if self.live:
            self._bar.update(self._task, completed=done, detail=detail)
        elif now - self._told > _LINE_SECONDS and done:
            self._told = now
            left = (self._total - done) / rate
            self.console.print(f"{self._title}: {detail}, {left:,.0f} s left", markup=False)
