"""Progress: one bar per run on a terminal and in a notebook, one line per epoch on stderr elsewhere."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from isthmus.core.arguments import for_caller
from isthmus.core.wording import counted, printable
from isthmus.pages.notebook.progress import NotebookProgress
from isthmus.runs.executors.job import Job, RunBegins, RunElsewhere, RunEvent, RunFailed
from isthmus.runs.run import Done, Event
from isthmus.runs.study import FinishedRead, StudyDone, StudyEvent
from isthmus.training.events import Notice, Started
from isthmus.training.loop import Epoch, Step
from isthmus.training.preview import Preview

LINE_SECONDS = 30.0  # longest time between two lines when stderr is not a terminal
_WIDE = 110  # columns of a terminal with room for a long bar and all numbers beside most titles
_BESIDE = len("⠋  " + "  " + " left 0:00:00")  # columns around the title, the bar and the detail


class Display:
    """Shows the events of a run or a study; a context manager, so that the terminal is always restored."""

    def __init__(self, *, enabled: bool = True) -> None:
        self.console = Console(stderr=True, quiet=not enabled, highlight=False, soft_wrap=True)
        self.live = enabled and self.console.is_terminal
        # there, rich would print every line as an output of its own, and its bars need widgets that may be missing
        self.notebook = NotebookProgress() if enabled and self.console.is_jupyter else None
        self.bar_width = 24 if self.console.width >= _WIDE else 10
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=self.bar_width),
            TextColumn("{task.fields[detail]}"),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
            transient=True,
        )
        self.runs: dict[int, _Run] = {}  # unfinished runs, by their number in the study
        self.reasons: dict[str, str] = {}  # why runs failed -> the title of the first

    def __enter__(self) -> Display:
        if self.live:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.bars.stop()
        if self.notebook is not None:
            self.notebook.close()

    def show(self, event: StudyEvent | Event) -> None:
        """Show one event of a study, or of a run outside any study."""
        match event:
            case RunBegins():
                self.runs[event.job.number] = _Run(self, _title(event.job))
            case RunEvent():
                self._show(event.job.number, event.event)
            case RunFailed():
                run = self.runs.pop(event.job.number)
                run.close()
                first = self.reasons.setdefault(event.sentence, run.title)
                run.line(f"{run.title} failed: {event.sentence if first == run.title else f'as {first}'}")
            case RunElsewhere():
                self.runs.pop(event.job.number).close()
                self.print(f"{event.sentence}.")
            case FinishedRead() | StudyDone():
                pass
            case Notice():
                self.print(event.sentence)
            case _:
                self.runs.setdefault(0, _Run(self, ""))
                self._show(0, event)

    def print(self, text: str) -> None:
        """Print a line above the bars, with the caller's names of options."""
        text = for_caller(text)
        if self.notebook is not None:
            self.notebook.print(text)
            return
        said = printable(text)
        if self.live:
            said = "\n".join(_wrapped(line, self.console.width) for line in said.split("\n"))
        self.console.print(said, markup=False)
        sys.stderr.flush()

    def room_for_detail(self, title: str) -> int:
        """How many columns of the terminal are left for the detail beside a title, its bar and the time left."""
        return self.console.width - _BESIDE - self.bar_width - cell_len(title)

    def place(self, page: Path) -> str:
        """A page as text: in full for a terminal, where it can be clicked; in a notebook as it was given."""
        return str(page if self.notebook is not None else page.resolve())

    def _show(self, number: int, event: Event) -> None:
        self.runs[number].show(event)
        if isinstance(event, Done):
            del self.runs[number]


def _wrapped(line: str, width: int) -> str:
    """`line` broken between words, as a terminal would break it within a number; paths stay whole, to be clicked."""
    return textwrap.fill(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _fitting(parts: Sequence[str], room: int) -> str:
    """`parts`, the most important first, as far as they fit: a number that is cut would say something else."""
    kept: list[str] = []
    for part in parts:
        if cell_len("  ".join([*kept, part])) <= room:
            kept.append(part)
    return "  ".join(kept)


def _title(job: Job) -> str:
    return f"[{job.number}/{job.total}] {job.variation}, seed {job.seed}"


class _Run:
    """The bar, or the lines, of one run."""

    def __init__(self, display: Display, title: str) -> None:
        self.display = display
        self.title = title
        self.task: TaskID | None = None
        self.begun: Started | None = None
        self.loss, self.speed = "", ""  # in words; empty until they are measured
        self.best, self.of = "", ""
        self.spoke = time.monotonic()

    def show(self, event: Event) -> None:
        match event:
            case Started():
                self._start(event)
            case Notice():
                self.line(f"{self.title}: {event.sentence}" if self.title else event.sentence)
            case Step():
                self._step(event)
            case Epoch():
                self._epoch(event)
            case Preview():
                pass  # the growing report shows it
            case Done():
                self._done(event)

    def line(self, text: str) -> None:
        self.spoke = time.monotonic()
        self.display.print(text)

    def close(self) -> None:
        """Remove the bar."""
        if self.display.notebook is not None:
            self.display.notebook.end(self.title)
        if self.task is not None:
            self.display.bars.remove_task(self.task)
            self.task = None

    def _start(self, event: Started) -> None:
        self.begun, epochs = event, event.recipe.train.epochs
        self.title = self.title or event.recipe.name
        if self.display.live:
            self.task = self.display.bars.add_task(escape(printable(self.title)), total=1.0, detail="starting")
        resumed = f", resumed at step {event.step:,}" if event.step else ""
        limit = event.recipe.train.seconds
        self.of = f"/{epochs}" if limit is None else ""
        length = counted(epochs, "epoch") if limit is None else f"{limit:g} s"
        self.line(
            f"{self.title}: {counted(event.images_per_epoch, 'image')}, {length} on {event.device} "
            f"in {event.precision}{resumed} -> {event.folder}"
        )
        if self.display.notebook is not None:
            self.display.notebook.begin(self.title, event.step / max(event.total_steps, 1))

    def _step(self, event: Step) -> None:
        if event.log is not None:
            self.loss = f"loss {event.log['loss']:.5f}"
            self.speed = f"{event.log['images_per_second']:,.0f} images/s"
        detail = "  ".join(part for part in (self.loss, self.speed, self.best) if part)
        if self.display.notebook is not None:
            self.display.notebook.advance(self.title, event.done, detail)
        elif self.task is not None:
            parts = [part for part in (self.loss, self.best, self.speed) if part] or ["starting"]
            detail = _fitting(parts, self.display.room_for_detail(self.title))
            self.display.bars.update(self.task, completed=event.done, detail=detail)
        elif self.begun is not None and time.monotonic() - self.spoke > LINE_SECONDS:
            self.line(f"{self.title}: step {event.step:,}, {event.done:.0%}  {detail}")

    def _epoch(self, event: Epoch) -> None:
        if event.best:
            self.best = f"best {_validation(event)}"
        if self.display.notebook is not None:
            return  # the bar shows it: a line for each epoch would flood the notebook
        if event.epoch == 0:
            self.line(f"{self.title}: starts at PCA  validation {_validation(event)}")
            return
        self.line(
            f"{self.title}: epoch {event.epoch}{self.of}  train loss {event.log['train_loss']:.5f}  "
            f"validation {_validation(event)}{' (best)' if event.best else ''}{f'  {self.speed}' if self.speed else ''}"
        )

    def _done(self, event: Done) -> None:
        self.close()
        scores = event.evaluation.scores
        self.line(
            f"{self.title or event.evaluation.name}: held out {_psnr(scores['model'].psnr.mean)}, "
            f"PCA {scores['pca'].psnr.mean:.2f} dB"
        )


def _validation(event: Epoch) -> str:
    """The PSNR by whose kind epochs are compared: that of corrupted validation images where these are monitored."""
    noisy = event.log.get("corrupted_validation_image_psnr")
    return _psnr(event.log["validation_image_psnr"]) if noisy is None else f"{_psnr(noisy)} on corrupted images"


def _psnr(decibels: float) -> str:
    """The mean PSNR over images, as in tables and reports; progress shows no other kind of PSNR."""
    return f"mean PSNR {decibels:.2f} dB"
