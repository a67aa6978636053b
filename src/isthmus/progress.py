"""Progress on stderr: a bar on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from isthmus.runs import Done
from isthmus.studies import RunBegins, RunFailed, StudyDone, StudyEvent
from isthmus.training.loop import Epoch, Step
from isthmus.training.session import Notice, Started

LINE_SECONDS = 30.0  # off a terminal, at least this often


class Display:
    """Shows the events of a run or a study; a context manager, so that the terminal is always restored."""

    def __init__(self, *, enabled: bool = True) -> None:
        self.console = Console(stderr=True, quiet=not enabled, highlight=False, soft_wrap=True)
        self.live = enabled and self.console.is_terminal
        self.bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
            transient=True,
        )
        self.task: TaskID | None = None
        self.prefix = ""
        self.begun: Started | None = None
        self.loss, self.speed, self.best, self.epochs = 0.0, 0.0, "", 0
        self.spoke = time.monotonic()

    def __enter__(self) -> Display:
        if self.live:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.bar.stop()

    def show(self, event: StudyEvent) -> None:
        """Show one event."""
        match event:
            case RunBegins():
                self.prefix = f"[{event.number}/{event.total}] {event.variation}, seed {event.seed}"
            case Started():
                self._start(event)
            case Notice():
                self._line(event.sentence)
            case Step():
                self._step(event)
            case Epoch():
                self._epoch(event)
            case Done():
                self._done(event)
            case RunFailed():
                self._close()
                self._line(f"{self.prefix} failed: {event.sentence}")
            case StudyDone():
                self._close()

    def _start(self, event: Started) -> None:
        self.begun, self.best = event, ""
        self.prefix = self.prefix or event.recipe.name
        self.epochs = event.recipe.train.epochs
        self._close()
        if self.live:
            self.task = self.bar.add_task(self.prefix, total=event.total_steps, completed=event.step, detail="starting")
        resumed = f", resumed at step {event.step:,}" if event.step else ""
        self._line(
            f"{self.prefix}: {event.images_per_epoch:,} images, {self.epochs} epochs on {event.device} "
            f"in {event.precision}{resumed} -> {event.folder}"
        )

    def _step(self, event: Step) -> None:
        if event.log is not None:
            self.loss, self.speed = event.log["loss"], event.log["images_per_second"]
        detail = f"loss {self.loss:.5f}  {self.speed:,.0f} images/s{self.best}"
        if self.task is not None:
            self.bar.update(self.task, completed=event.step, detail=detail)
        elif self.begun is not None and time.monotonic() - self.spoke > LINE_SECONDS:
            self._line(f"{self.prefix}: step {event.step:,} of {self.begun.total_steps:,}  {detail}")

    def _epoch(self, event: Epoch) -> None:
        if event.best:
            self.best = f"  best {event.log['validation_psnr']:.2f} dB"
        self._line(
            f"{self.prefix}: epoch {event.epoch}/{self.epochs}  train loss {event.log['train_loss']:.5f}  "
            f"validation {event.log['validation_psnr']:.2f} dB{' (best)' if event.best else ''}  "
            f"{self.speed:,.0f} images/s"
        )

    def _done(self, event: Done) -> None:
        self._close()
        scores = event.summary["scores"]
        self._line(
            f"{self.prefix or event.summary['name']}: held out {scores['model']['psnr']['mean']:.2f} dB, "
            f"PCA {scores['pca']['psnr']['mean']:.2f} dB"
        )
        self.prefix = ""

    def _close(self) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
            self.task = None

    def _line(self, text: str) -> None:
        self.spoke = time.monotonic()
        self.console.print(text, markup=False)
        sys.stderr.flush()
