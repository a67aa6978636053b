"""Progress in a notebook: one output replaced in place, and few messages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from isthmus.pages import progress
from isthmus.pages.notebook import progress as notebook
from isthmus.pages.notebook.progress import NotebookProgress
from isthmus.pages.progress import Display
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.scores import IntervalRecord, Score
from isthmus.runs.executors.job import Job, RunBegins, RunEvent, RunFailed
from isthmus.runs.run import Done
from isthmus.training.events import Notice, Started
from isthmus.training.loop import Epoch, Step

LOG = {"loss": 0.5, "images_per_second": 1234.0}
EPOCH = {"train_loss": 0.25, "validation_psnr": 18.0, "validation_image_psnr": 19.0}
EVALUATION = EvaluationRecord(
    name="one",
    seed=0,
    latent_size=3,
    scores={who: Score(psnr=IntervalRecord(mean=mean)) for who, mean in (("model", 21.0), ("pca", 20.0))},
)


class Cell:
    """The output of a notebook's cell: how often it was sent, and what it shows now."""

    def __init__(self) -> None:
        self.outputs = self.updates = 0
        self.shown: dict[str, str] = {}

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> Cell:
        assert raw and display_id
        self.outputs += 1
        self.shown = data
        return self

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.updates += 1
        self.shown = data


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """As in a notebook: IPython shows outputs, and rich knows where it is."""
    found, module = Cell(), ModuleType("IPython.display")
    monkeypatch.setattr(module, "display", found.display, raising=False)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    return found


@pytest.fixture
def jobs(tiny: Callable[..., Recipe], tmp_path: Path) -> list[Job]:
    return [Job(name, 0, n, 2, tiny(), tmp_path / name) for n, name in enumerate(("narrow", "wide"), start=1)]


def begin(display: Display, job: Job, step: int = 0) -> None:
    display.show(RunBegins(job))
    display.show(RunEvent(job, Started(job.folder, job.recipe, step, 100, 72, "cpu", "fp32")))


def test_a_long_study_is_one_output_with_a_bar_for_each_run_under_way(
    jobs: list[Job], cell: Cell, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow, wide = jobs
    with Display() as display:
        begin(display, narrow)
        begin(display, wide)
        for number in range(1, 101):
            display.show(RunEvent(narrow, Step(number, 16, LOG, number / 100)))
            display.show(RunEvent(narrow, Epoch(number, number == 1, EPOCH)))
        display.show(RunEvent(wide, Notice("A sentence.")))
        assert cell.shown["text/html"].count("<progress") == 2
        assert "100&nbsp;% loss 0.50000  1,234 images/s  best mean PSNR 19.00 dB" in cell.shown["text/html"]
        display.show(RunFailed(wide, "it could not", ""))
        display.show(RunEvent(narrow, Done(narrow.folder, EVALUATION)))
    assert cell.outputs == 1
    assert cell.updates < 20, "two hundred events, and no flood of messages"
    assert capsys.readouterr() == ("", ""), "nothing beside the one output"
    assert cell.shown["text/plain"].splitlines() == [
        f"[1/2] narrow, seed 0: 72 images, 3 epochs on cpu in fp32 -> {narrow.folder}",
        f"[2/2] wide, seed 0: 72 images, 3 epochs on cpu in fp32 -> {wide.folder}",
        "[2/2] wide, seed 0: A sentence.",
        "[2/2] wide, seed 0 failed: it could not",
        "[1/2] narrow, seed 0: held out mean PSNR 21.00 dB, PCA 20.00 dB",
    ]
    assert "<progress" not in cell.shown["text/html"]


def test_an_interruption_leaves_no_bar_behind(jobs: list[Job], cell: Cell) -> None:
    with pytest.raises(KeyboardInterrupt), Display() as display:
        begin(display, jobs[0])
        display.show(RunEvent(jobs[0], Step(5, 16, LOG, 0.25)))
        raise KeyboardInterrupt
    assert "<progress" not in cell.shown["text/html"]
    assert "narrow" in cell.shown["text/plain"]


def test_a_quiet_training_shows_nothing(jobs: list[Job], cell: Cell) -> None:
    with Display(enabled=False) as display:
        begin(display, jobs[0])
        display.show(RunEvent(jobs[0], Step(5, 16, LOG, 0.25)))
    assert cell.outputs == 0


def test_the_time_left_is_that_of_what_this_session_did(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run resumed at 50 % that does 10 % in 20 s needs 80 s more."""
    now = [100.0]
    monkeypatch.setattr(notebook.time, "monotonic", lambda: now[0])
    bars = NotebookProgress()
    bars.begin("run", 0.5)
    assert bars.bars["run"].left == ""
    now[0] += 20
    bars.advance("run", 0.6, "loss 1")
    assert bars.bars["run"].left == "1 min 20 s left"
    assert cell.shown["text/plain"] == "run: 60%  loss 1"


def test_names_cannot_bring_code_into_a_notebook(cell: Cell) -> None:
    bars = NotebookProgress()
    bars.begin("<script>alert(1)</script>")
    bars.print("<b>\x1b[31mred")
    assert "<script>" not in cell.shown["text/html"]
    assert "&lt;b&gt;\\x1b[31mred" in cell.shown["text/html"]


def test_a_page_is_named_in_full_on_a_terminal_only(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Display().place(Path("runs/a/report.html")) == "runs/a/report.html"
    monkeypatch.setattr("rich.console._is_jupyter", lambda: False)
    display: Any = progress.Display()
    assert display.place(Path("runs/a/report.html")) == str(Path("runs/a/report.html").resolve())
