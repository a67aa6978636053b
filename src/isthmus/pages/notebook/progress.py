"""Progress in a notebook: one output of the cell, replaced in place, without widgets to install."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, field
from typing import Any

from isthmus.core.wording import printable
from isthmus.pages.notebook.render import render
from isthmus.pages.report import text

_SECONDS = 0.5  # between two replacements: a notebook server passes on every one, and a browser draws it


@dataclass
class _Bar:
    title: str
    begun_at: float  # share of the run that was done when it began: more than 0 where it was resumed
    done: float
    detail: str = "starting"
    since: float = field(default_factory=lambda: time.monotonic())

    def __str__(self) -> str:
        return f"{self.title}: {self.done:.0%}  {self.detail}"

    @property
    def left(self) -> str:
        """The time that the rest will take at the speed so far; empty before there is one."""
        gained = self.done - self.begun_at
        if gained <= 0:
            return ""
        return f"{text.duration((time.monotonic() - self.since) * (1 - self.done) / gained)} left"


class NotebookProgress:
    """Lines that stay, and below them a bar for each run under way."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bars: dict[str, _Bar] = {}
        self._handle: Any = None  # of the output, once there is one
        self._shown = 0.0

    def print(self, line: str) -> None:
        """Add a line, which is shown at once."""
        self.lines.append(printable(line))
        self._show(now=True)

    def begin(self, title: str, done: float = 0.0) -> None:
        """A new bar; `done` of its run, 0 to 1, was done before."""
        self.bars[title] = _Bar(printable(title), done, done)
        self._show(now=True)

    def advance(self, title: str, done: float, detail: str) -> None:
        """`done` of the run, 0 to 1, is done; `detail` stands beside the bar."""
        self.bars[title].done, self.bars[title].detail = done, printable(detail)
        self._show(now=False)

    def end(self, title: str) -> None:
        """Remove a bar."""
        if self.bars.pop(title, None) is not None:
            self._show(now=True)

    def close(self) -> None:
        """The lines alone, which the notebook keeps: also after an interruption."""
        if self.bars:
            self.bars.clear()
            self._show(now=True)

    def _show(self, *, now: bool) -> None:
        if not now and time.monotonic() - self._shown < _SECONDS:
            return
        self._shown = time.monotonic()
        output = {
            "text/html": render("progress.html.jinja", lines=self.lines, bars=list(self.bars.values())),
            "text/plain": "\n".join([*self.lines, *map(str, self.bars.values())]),
        }
        if self._handle is None:
            display: Any = importlib.import_module("IPython.display")  # we are called from a notebook: it is there
            self._handle = display.display(output, raw=True, display_id=True)
        else:
            self._handle.update(output, raw=True)
