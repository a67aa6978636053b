"""Shows on stderr how much of a verb's work on pictures is done, and the time left."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from isthmus.core.wording import counted

_LINE_SECONDS = 10.0  # between two lines, where stderr is not a terminal


class WorkProgress:
    """A bar on a terminal; elsewhere a line every ten seconds. A context manager, so that the terminal is restored.

    title: what is done, such as "Denoising". total: pictures; what: one of them, in words.
    """

    def __init__(self, title: str, total: int, what: str, *, quiet: bool = False) -> None:
        self._title, self._total, self._what = title, total, what
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._live = self._console.is_terminal and not quiet
        self._bar = Progress(
            TextColumn(title),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, detail="")
        self._done = 0
        self._begun = self._told = time.monotonic()

    def __enter__(self) -> WorkProgress:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._bar.stop()

    def begin(self, place: int) -> None:
        """The picture at this place is begun; those before it are done, or were left out."""
        self._done = place

    def advance(self) -> None:
        """One more picture is done."""
        self._done += 1
        self._show(float(self._done))

    def within(self, share: float) -> None:
        """So much of the next picture is done, up to 1."""
        self._show(self._done + share)

    def _show(self, done: float) -> None:
        now = time.monotonic()
        detail = f"{self._done:,} of {counted(self._total, self._what)}"
        if self._live:
            self._bar.update(self._task, completed=done, detail=detail)
        elif now - self._told > _LINE_SECONDS and done:
            self._told = now
            left = (self._total - done) * (now - self._begun) / done
            self._console.print(f"{self._title}: {detail}, {left:,.0f} s left", markup=False)
