"""Processes are let train for a moment, counted, and ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.core.errors import RunError
from isthmus.recipes.recipe import Recipe
from isthmus.runs.executors import benchmark
from isthmus.runs.executors.job import Job
from isthmus.runs.executors.order import JobOrder, noise
from isthmus.runs.executors.process import Process


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The processes that a measurement starts."""
    processes: list[Process] = []

    def starting(order: JobOrder, threads: int) -> Process:
        processes.append(Process(order, threads))
        return processes[-1]

    monkeypatch.setattr(benchmark, "Process", starting)
    monkeypatch.setattr(benchmark, "SECONDS", 0.5)
    monkeypatch.setattr(benchmark, "LIMIT_SECONDS", 60.0)
    return processes


def job(recipe: Recipe, folder: Path) -> Job:
    return Job("tiny", 0, 1, 1, recipe, folder / "tiny")


def test_each_number_of_processes_is_measured(
    tiny: Callable[..., Recipe], tmp_path: Path, started: list[Process]
) -> None:
    """And none of them is left, nor anything that they wrote."""
    found = benchmark.measure(job(tiny(), tmp_path), {1: 1, 2: 1}, (3, 32, 32))
    assert list(found) == [1, 2]
    assert all(isinstance(speed, float) and 50 < speed < 1e6 for speed in found.values()), found
    assert [process.child.returncode is not None for process in started] == [True] * 3
    assert not any(tmp_path.iterdir())


def test_what_cannot_be_known_is_said(
    tiny: Callable[..., Recipe], tmp_path: Path, started: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = job(tiny({"architecture.strides": [5, 1]}), tmp_path)
    (error,) = benchmark.measure(odd, {1: 1}, (3, 32, 32)).values()
    assert isinstance(error, RunError)
    assert str(error).startswith("failed (architecture: kernel 3 is smaller than stride 5")
    monkeypatch.setattr(benchmark, "LIMIT_SECONDS", 0.0)
    (error,) = benchmark.measure(job(tiny(), tmp_path), {1: 1}, (3, 32, 32)).values()
    assert str(error) == "too slow to be measured"
    assert all(process.child.returncode is not None for process in started)


@pytest.mark.parametrize(("shape", "batch", "batches"), [((3, 32, 32), 32, 64), ((3, 256, 256), 128, 4)])
def test_made_up_images_fit_in_memory(shape: tuple[int, int, int], batch: int, batches: int) -> None:
    """As many whole batches as an epoch needs not to be over at once, fewer of large images."""
    splits = noise(shape, batch)
    assert splits.train.images.shape == (batches * batch, *shape)
    assert len(splits.validation) == batch
    assert splits.train.images.std() > 70, "every byte differs, as a flat image may be faster"
