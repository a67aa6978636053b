"""A bar on stderr for work that is counted; elsewhere than on a terminal, a line every ten seconds."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_SECONDS = 10.0  # between two lines, where stderr is not a terminal


class CountingBar:
    """Shows `title`, how much is done, and the time left. A context manager, so that the terminal is restored."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self.live = self.console.is_terminal and not quiet
        self._title = title
        self._bar = Progress(
            TextColumn(title),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, detail="")
        self.begin(0)

    def __enter__(self) -> CountingBar:
        if self.live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self._bar.stop()

    def begin(self, total: int) -> None:
        """From the start: `total` things are to be done."""
        self._total = total
        self._begun = self._told = time.monotonic()
        self._bar.reset(self._task, total=total or None, detail="")

    def rate(self, done: float) -> float:
        """Things a second since the start."""
        return done / max(time.monotonic() - self._begun, 1e-3)

    def show(self, done: float, detail: str) -> None:
        """So many things are done; `detail` says it in words."""
        now = time.monotonic()
        if self.live:
            self._bar.update(self._task, completed=done, detail=detail)
        elif now - self._told > _LINE_SECONDS and done:
            self._told = now
            left = (self._total - done) / self.rate(done)
            self.console.print(f"{self._title}: {detail}, {left:,.0f} s left", markup=False)
