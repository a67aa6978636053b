"""A study under way has a page: first pictures, then what is done, and it says that it is unfinished."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from command import isthmus
from isthmus.pages.report import write_study_pages
from isthmus.pages.report.growing import GrowingReport
from isthmus.recipes.study_plan import Plan, load_plan, load_recipe
from isthmus.run_files.state import Progress
from isthmus.runs import study as studies
from isthmus.runs.executors.job import Job, RunEvent
from isthmus.runs.run import Done
from isthmus.runs.study import StudyEvent
from isthmus.training import preview
from isthmus.training.loop import Epoch, Step
from isthmus.training.preview import Preview, Previews

BASE: dict[str, Any] = {
    "data": {"kind": "scenes", "train": 48, "test": 12, "size": 16},
    "architecture": {"kind": "conv", "filters": [4], "strides": [2]},
    "bottleneck": {"kind": "vector", "dim": 2},
    "train": {"epochs": 2, "batch": 16, "device": "cpu", "precision": "fp32"},
}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    rows = [{"name": "narrow"}, {"name": "wide", "compare": "narrow", "changes": {"bottleneck.dim": 8}}]
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps({"base": BASE, "variation": rows}))
    return load_plan(str(path))


def events(plan: Plan, folder: Path, jobs: int = 1) -> Iterator[StudyEvent]:
    return studies.study(plan, folder, folder.parent / "cache", command="isthmus study mine.toml", jobs=jobs)


def is_a(event: StudyEvent, kind: type) -> bool:
    return isinstance(event, RunEvent) and isinstance(event.event, kind)


def words(page: Path) -> str:
    return re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page.read_text(), flags=re.S)


def test_the_first_pictures_of_many_channels_say_which_are_shown(plan: Plan, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    originals, outputs = rng.integers(0, 65536, (2, 3, 5, 12, 16), dtype=np.uint16)
    job = Job("narrow", 0, 1, 2, load_recipe("post/latent-10", {}), tmp_path)
    page = GrowingReport(tmp_path, plan.name).show(RunEvent(job, Preview(10, 1, 0.5, originals, outputs)))
    assert page is not None
    assert "Pictures show channels 0, 1 and 2 of 5, counted from 0, as red, green and blue." in words(page)
    assert "The images have 16 bits; pictures show them rounded to 8." in words(page)


def test_pictures_come_after_the_first_epoch(plan: Plan, tmp_path: Path) -> None:
    """Originals beside outputs, before any run is done; nobody takes it for the result."""
    folder = tmp_path / "study"
    growing = GrowingReport(folder, plan.name)
    pages: list[Path] = []
    for event in events(plan, folder):
        if page := growing.show(event):
            pages.append(page)
            assert is_a(event, Preview)
            said = words(page)
            assert "Unfinished:" in said
            assert "narrow" in said
            assert said.count("<img") == 2 * 5  # all of the 5 validation images, and what became of them
            assert 'http-equiv="refresh"' in said
            assert not list(folder.glob("*/*/evaluation.json"))
    assert pages == [folder / "report.html"]


def test_the_page_grows_with_every_run_and_is_replaced(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    growing, grown = GrowingReport(folder, plan.name), list[str]()
    for event in events(plan, folder):
        growing.show(event)
        if is_a(event, Done):
            grown.append(words(folder / "report.html"))
    assert "Unfinished:" in grown[0]
    assert "1 of the study's 2 runs is done" in grown[0].replace("&#39;", "'")
    assert "has not been run" in grown[0]
    full = words(write_study_pages(folder))
    assert "Unfinished:" not in full
    assert "refresh" not in full


def test_a_finished_study_is_not_shown_as_unfinished(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    list(events(plan, folder))
    before = write_study_pages(folder).read_bytes()
    growing = GrowingReport(folder, plan.name)
    assert [page for event in events(plan, folder) if (page := growing.show(event))] == []
    assert (folder / "report.html").read_bytes() == before


def test_findings_of_what_is_done_are_kept(plan: Plan, tmp_path: Path) -> None:
    """Whoever ends the study early has its findings so far."""
    folder = tmp_path / "study"
    stopped = events(plan, folder)
    for event in stopped:
        if is_a(event, Done):
            break
    stopped.close()  # pyright: ignore[reportAttributeAccessIssue]
    found = json.loads((folder / "findings.json").read_text())
    assert [run["status"] for row in found["variations"] for run in row["runs"]] == ["done", "missing"]


def test_runs_at_a_time_show_pictures_too(plan: Plan, tmp_path: Path) -> None:
    growing = GrowingReport(tmp_path / "study", plan.name)
    assert any(growing.show(event) for event in events(plan, tmp_path / "study", jobs=2))


def test_a_page_that_cannot_be_written_stops_no_training(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    growing = GrowingReport(folder, plan.name)
    for event in events(plan, folder):
        (folder / "report.html").mkdir(exist_ok=True)
        assert growing.show(event) is None
    assert len(list(folder.glob("*/seed-0/evaluation.json"))) == 2


def test_the_command_says_where_the_pictures_are(plan: Plan, tmp_path: Path) -> None:
    answer = isthmus("study", tmp_path / "mine.toml", "-o", tmp_path / "study")
    assert answer.code == 0
    assert f"First pictures: {tmp_path / 'study' / 'report.html'}" in answer.err


def test_a_slow_epoch_is_not_waited_for(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 15 s a step will do; the model trains on as it did."""
    import torch

    from isthmus.models.autoencoder import Autoencoder

    now = 100.0
    monkeypatch.setattr(preview.time, "monotonic", lambda: now)
    model = Autoencoder(tiny(), (3, 16, 16))
    images = torch.zeros((20, 3, 16, 16), dtype=torch.uint8)
    previews, progress = Previews(model, images, 10), Progress(step=4)
    step = Step(4, 16, {"loss": 1.0})
    model.train()
    assert previews.look(Epoch(0, True, {}), progress) is None  # of a model at PCA, before its first step
    assert previews.look(step, progress) is None
    now += preview.FIRST_SECONDS
    found = previews.look(step, progress)
    assert found is not None
    assert (found.step, found.done, found.originals.shape) == (4, 0.4, (preview.SHOWN, 3, 16, 16))
    assert found.outputs.dtype == np.uint8
    assert all(module.training for module in model.modules())
    assert previews.look(Epoch(1, True, {}), progress) is None
    now += preview.NEXT_SECONDS
    assert previews.look(step, progress) is None
    assert previews.look(Epoch(2, True, {}), progress) is not None
