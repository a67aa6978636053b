"""`--jobs auto`: measured where that pays, and always said why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from isthmus.core.errors import RunError
from isthmus.recipes.recipe import Recipe
from isthmus.runs.executors import auto_jobs
from isthmus.runs.executors.job import Job

IMAGES = {"small": (80, 3, 32, 32), "large": (80, 3, 32, 32)}


@pytest.fixture
def two(tiny: Callable[..., Recipe], tmp_path: Path) -> list[Job]:
    recipes = {"small": tiny(), "large": tiny({"architecture.filters": [8, 8]})}
    rows = enumerate(recipes.items(), start=1)
    return [Job(name, 0, n, 2, recipe, tmp_path / name) for n, (name, recipe) in rows]


@pytest.fixture
def speeds(monkeypatch: pytest.MonkeyPatch) -> dict[int, Any]:
    """What measuring a number of jobs would give on four threads, for a study that is worth it."""
    given: dict[int, Any] = {}

    def measured(job: Job, threads: Mapping[int, int], image_shape: tuple[int, ...]) -> dict[int, Any]:
        assert image_shape == (3, 32, 32)
        assert all(count * each <= 4 for count, each in threads.items())
        return {count: given[count] for count in threads}

    monkeypatch.setattr(auto_jobs, "measure", measured)
    monkeypatch.setattr(auto_jobs, "PAYS_SECONDS", 0.0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    return given


def test_the_fastest_together_is_chosen_and_said(two: list[Job], speeds: dict[int, Any]) -> None:
    speeds |= {1: 540.4, 2: 1620.0}
    count, sentence = auto_jobs.choose("auto", two, IMAGES)
    assert count == 2
    assert sentence == "jobs: 1 x 4 threads: 540 images/s, 2 x 2 threads: 1,620 images/s: running 2 at a time."
    speeds[1] = 1700.0
    assert auto_jobs.choose("auto", two, IMAGES)[0] == 1


def test_as_many_as_there_are_threads_are_tried_where_so_many_are_missing(
    two: list[Job], speeds: dict[int, Any]
) -> None:
    speeds |= {1: 1.0, 2: 2.0, 3: 2.5, 4: 4.0}
    assert auto_jobs.choose("auto", two * 5, IMAGES)[0] == 4
    count, sentence = auto_jobs.choose("auto", two + two[:1], IMAGES)
    assert count == 3
    assert sentence is not None
    assert "3 x 1 thread: 2 images/s" in sentence
    assert "4 x" not in sentence


def test_what_cannot_be_measured_is_not_chosen(two: list[Job], speeds: dict[int, Any]) -> None:
    speeds |= {1: 5.0, 2: RunError("failed (there is not enough memory)")}
    count, sentence = auto_jobs.choose("auto", two, IMAGES)
    assert (count, sentence) == (
        1,
        "jobs: 1 x 4 threads: 5 images/s, 2 x 2 threads: failed (there is not enough memory): "
        "running one after another.",
    )
    speeds[1] = RunError("too slow to be measured")
    assert auto_jobs.choose("auto", two, IMAGES)[0] == 1


def test_where_measuring_does_not_pay_it_is_not_done(
    two: list[Job], speeds: dict[int, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert auto_jobs.choose("auto", two[:1], IMAGES) == (1, "jobs: one run is missing: nothing to run beside it.")
    assert auto_jobs.choose("auto", [], IMAGES) == (1, None)
    monkeypatch.setattr(auto_jobs, "PAYS_SECONDS", 120.0)
    count, sentence = auto_jobs.choose("auto", two, IMAGES)
    assert count == 1
    assert sentence is not None
    assert "too little to train" in sentence
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert auto_jobs.choose("auto", two, IMAGES) == (1, "jobs: there is one thread: running one after another.")


def test_a_number_is_taken_as_it_is(two: list[Job], speeds: dict[int, Any]) -> None:
    assert auto_jobs.choose(7, two, IMAGES) == (7, None)
    assert auto_jobs.choose(1, two, IMAGES) == (1, None)


def test_on_a_cuda_device_as_many_as_are_asked_for_take_turns(two: list[Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto_jobs, "choose_device", lambda _: torch.device("cuda"))
    assert auto_jobs.choose("auto", two, IMAGES) == (2, None)
    assert auto_jobs.choose("auto", two * 5, IMAGES) == (auto_jobs.CUDA_LANES, None)
    assert auto_jobs.choose(3, two * 5, IMAGES) == (3, None)
    assert auto_jobs.choose(1, two, IMAGES) == (1, None)


def test_the_most_arithmetic_goes_first(two: list[Job]) -> None:
    assert [job.variation for job in auto_jobs.longest_first(two, IMAGES)] == ["large", "small"]
    more = {**IMAGES, "small": (8000, 3, 32, 32)}
    assert [job.variation for job in auto_jobs.longest_first(two, more)] == ["small", "large"]
