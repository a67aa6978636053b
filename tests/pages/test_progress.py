"""What is shown while runs go on, one or several at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from isthmus.pages.progress import Display
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.scores import IntervalRecord, Score
from isthmus.runs.executors.job import Job, RunBegins, RunEvent, RunFailed
from isthmus.runs.run import Done
from isthmus.training.in_folder import Notice, Started
from isthmus.training.loop import Epoch, Step

LOG = {"loss": 0.5, "images_per_second": 1234.0}
EVALUATION = EvaluationRecord(
    name="one",
    seed=0,
    latent_size=3,
    scores={who: Score(psnr=IntervalRecord(mean=mean)) for who, mean in (("model", 21.0), ("pca", 20.0))},
)


@pytest.fixture
def two(tiny: Callable[..., Recipe], tmp_path: Path) -> list[Job]:
    return [Job(name, 0, n, 2, tiny(), tmp_path / name) for n, name in enumerate(("narrow", "wide"), start=1)]


def begins(job: Job) -> list[Any]:
    started = Started(job.folder, job.recipe, 0, 15, 72, "cpu", "fp32")
    return [RunBegins(job), RunEvent(job, started), RunEvent(job, Step(5, 16, LOG, 0.25))]


def epoch(job: Job) -> RunEvent:
    return RunEvent(job, Epoch(1, True, {"train_loss": 0.25, "validation_psnr": 18.0, "validation_image_psnr": 19.0}))


def test_lines_of_several_runs_say_whose_they_are(two: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    """Mixed as they come, each with its own numbers."""
    narrow, wide = two
    with Display() as display:
        for event in (
            *begins(narrow), *begins(wide), epoch(narrow), RunEvent(wide, Notice("A sentence.")),
            RunFailed(wide, "it could not", ""), RunEvent(narrow, Done(narrow.folder, EVALUATION)),
        ):  # fmt: skip
            display.show(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"[1/2] narrow, seed 0: 72 images, 3 epochs on cpu in fp32 -> {narrow.folder}",
        f"[2/2] wide, seed 0: 72 images, 3 epochs on cpu in fp32 -> {wide.folder}",
        "[1/2] narrow, seed 0: epoch 1/3  train loss 0.25000  validation mean PSNR 19.00 dB (best)  1,234 images/s",
        "[2/2] wide, seed 0: A sentence.",
        "[2/2] wide, seed 0 failed: it could not",
        "[1/2] narrow, seed 0: held out mean PSNR 21.00 dB, PCA 20.00 dB",
    ]


def test_a_reason_of_several_failures_is_told_once(two: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        for job in two:
            display.show(RunBegins(job))
            display.show(RunFailed(job, "the disk is full", ""))
    assert capsys.readouterr().err.splitlines() == [
        "[1/2] narrow, seed 0 failed: the disk is full",
        "[2/2] wide, seed 0 failed: as [1/2] narrow, seed 0",
    ]


def test_a_terminal_has_a_bar_for_each_run_under_way(two: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    narrow, wide = two
    display = Display()
    display.live = True
    for event in (*begins(narrow), *begins(wide), RunEvent(wide, Step(7, 16, None, 0.5))):
        display.show(event)
    bars = {task.description: (task.completed, task.total) for task in display.bars.tasks}
    assert bars == {"[1/2] narrow, seed 0": (0.25, 1.0), "[2/2] wide, seed 0": (0.5, 1.0)}
    display.show(RunFailed(narrow, "it could not", ""))
    assert [task.description for task in display.bars.tasks] == ["[2/2] wide, seed 0"]
    display.show(RunEvent(wide, Done(wide.folder, EVALUATION)))
    assert display.bars.tasks == []


def test_a_run_that_belongs_to_no_study_has_its_recipes_name(
    two: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    with Display() as display:
        for event in (*begins(two[0])[1:], RunEvent(two[0], Notice("A sentence.")), epoch(two[0])):
            display.show(event.event)
    lines = capsys.readouterr().err.splitlines()
    assert lines[1] == "A sentence."
    assert [line.partition(":")[0] for line in (lines[0], lines[2])] == [two[0].recipe.name] * 2


@pytest.mark.parametrize("width", [80, 100, 200])
def test_a_bar_shows_only_numbers_that_fit_whole(
    two: list[Job], width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a narrow terminal it leaves some out: a number that is cut would say something else."""
    monkeypatch.setenv("COLUMNS", str(width))
    job = Job("a-variation-with-a-long-name", 0, 2, 5, two[0].recipe, two[0].folder)
    display = Display()
    display.live = True
    started, step = begins(job)[:2], RunEvent(job, Step(7, 16, LOG, 0.5))
    for event in (*started, epoch(job), step):
        display.show(event)
    drawn = Console(width=width, record=True)
    drawn.print(display.bars.get_renderable())
    (line,) = drawn.export_text().splitlines()
    assert "…" not in line and "left -:--:--" in line
    assert ("loss 0.50000" in line) == (width >= 100)
    assert ("best mean PSNR 19.00 dB" in line) == (width == 200)


def test_before_the_first_reading_a_bar_has_no_numbers(two: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    display = Display()
    display.live = True
    for event in (*begins(two[0])[:2], RunEvent(two[0], Step(1, 16, None, 0.1))):
        display.show(event)
    assert display.bars.tasks[0].fields["detail"] == "starting"


def test_a_terminal_breaks_lines_between_words(
    two: list[Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Never within a number, and never within a path, which one may want to click."""
    monkeypatch.setenv("COLUMNS", "60")
    display = Display()
    display.live = True
    display.show(begins(two[0])[0])
    display.show(epoch(two[0]))
    display.print(f"First pictures: /{'a-folder/' * 10}report.html")
    assert capsys.readouterr().err.splitlines() == [
        "[1/2] narrow, seed 0: epoch 1  train loss 0.25000",
        "    validation mean PSNR 19.00 dB (best)",
        "First pictures:",
        f"    /{'a-folder/' * 10}report.html",
    ]
