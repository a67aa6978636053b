"""A study with a budget of seconds is shortened on a slow machine: by one share, once, and it says so."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from isthmus.core.errors import InputError, RunError
from isthmus.pages.report import write_study_report
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import Plan, load_plan
from isthmus.runs import study as studies
from isthmus.runs import time_budget
from isthmus.runs.executors.job import RunEvent
from isthmus.training.events import Notice
from isthmus.training.loop import Step

BASE: dict[str, Any] = {
    "data": {"kind": "scenes", "train": 48, "test": 12, "size": 16},
    "architecture": {"kind": "conv", "filters": [4], "strides": [2]},
    "bottleneck": {"kind": "vector", "dim": 2},
    "train": {"epochs": 4, "batch": 16, "device": "cpu", "precision": "fp32"},
}
STEPS = 4 * 3  # 43 of the 48 images are trained on
SHAPES = {"narrow": (43, 3, 16, 16), "wide": (43, 3, 16, 16)}


def written(folder: Path, seconds: float | None) -> Path:
    rows = [{"name": "narrow"}, {"name": "wide", "compare": "narrow", "changes": {"bottleneck.dim": 8}}]
    budget = {} if seconds is None else {"budget": {"seconds": seconds}}
    path = folder / "mine.toml"
    path.write_text(tomli_w.dumps({**budget, "base": BASE, "variation": rows}))
    return path


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return load_plan(str(written(tmp_path, 100.0)))


def run(plan: Plan, folder: Path) -> list[Any]:
    events = studies.study(plan, folder, folder.parent / "cache", command="isthmus study mine.toml")
    return [event.event if isinstance(event, RunEvent) else event for event in events]


def at_speed(monkeypatch: pytest.MonkeyPatch, images: float) -> None:
    def measured(recipe: Recipe, image_shape: tuple[int, int, int]) -> float:
        return images

    monkeypatch.setattr(time_budget, "images_per_second", measured)


def weights(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.glob("*/seed-0/checkpoints/best/model.*")}


# What fits


def test_a_fast_machine_trains_what_is_planned(plan: Plan) -> None:
    decision = time_budget.divide(plan, SHAPES, {"narrow": 1e6, "wide": 1e6})
    assert decision.share == 1.0
    assert decision.sentence is None
    assert time_budget.shortened(plan, decision) is plan


def test_a_slow_machine_trains_every_run_for_the_same_share(plan: Plan) -> None:
    """The time that is left after judging, divided by what the plan would take."""
    speeds = {"narrow": 100.0, "wide": 50.0}
    judged = time_budget.judged_as(43) * (1 / 100 + 1 / 50)
    trained = STEPS * 16 * (1 / 100 + 1 / 50)
    decision = time_budget.divide(replace(plan, budget_seconds=judged + trained / 2), SHAPES, speeds)
    assert decision.share == pytest.approx(0.5)
    assert [share.steps for share in decision.variations.values()] == [STEPS // 2] * 2
    recipes = [row.recipe(0) for row in time_budget.shortened(plan, decision).variations]
    assert [recipe.train.steps for recipe in recipes] == [STEPS // 2] * 2


def test_judging_few_images_is_not_charged_as_judging_many() -> None:
    """150 pictures were charged as 8,000: a study of 20 s was said to take 54, and shortened to a tenth."""
    assert time_budget.judged_as(150) < 2500 < time_budget.judged_as(3000) == time_budget.judged_as(100_000)


def test_no_run_is_shortened_to_nothing(plan: Plan) -> None:
    decision = time_budget.divide(plan, SHAPES, {"narrow": 1e-3, "wide": 1e-3})
    assert decision.share == time_budget.LEAST


def test_the_machine_is_measured(plan: Plan) -> None:
    assert time_budget.images_per_second(plan.variations[0].recipe(0), (3, 16, 16)) > 0


# In a study


def test_a_shortened_study_says_so_in_findings_and_on_its_page(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_speed(monkeypatch, 43.0)
    folder = tmp_path / "study"
    events = run(plan, folder)
    decision = json.loads((folder / "budget.json").read_text())
    steps = decision["variations"]["narrow"]["steps"]
    assert steps < STEPS
    assert sum(isinstance(event, Step) for event in events) == 2 * steps
    assert tomllib.loads((folder / "wide/seed-0/recipe.toml").read_text())["train"]["steps"] == steps
    outcome = json.loads((folder / "narrow/seed-0/training.json").read_text())
    assert (outcome["stopped"], outcome["steps"]) == ("steps", steps)
    notes = [row["sentence"] for row in json.loads((folder / "findings.json").read_text())["findings"]]
    said = f"each network saw {steps * 16} images in training instead of {STEPS * 16}"
    assert any(said in note and "43 images/s" in note for note in notes)
    assert any(isinstance(event, Notice) and said in event.sentence for event in events)
    assert said in write_study_report(folder).read_text()


def test_what_was_decided_stays(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is faster the next time: runs go on as decided, and their bits are those of an undisturbed study."""
    at_speed(monkeypatch, 43.0)
    run(plan, tmp_path / "whole")
    folder = tmp_path / "study"
    events = studies.study(plan, folder, tmp_path / "cache", command="")
    for event in events:
        if isinstance(event, RunEvent) and isinstance(event.event, Step):
            break
    events.close()  # pyright: ignore[reportAttributeAccessIssue]
    before = (folder / "budget.json").read_bytes()
    at_speed(monkeypatch, 1e9)
    run(load_plan(str(folder / "study.toml")), folder)  # as `isthmus study FOLDER` does
    assert (folder / "budget.json").read_bytes() == before
    assert weights(folder) == weights(tmp_path / "whole")


def test_a_study_begun_without_a_budget_goes_on_without(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_speed(monkeypatch, 43.0)
    run(replace(plan, budget_seconds=None), tmp_path / "study")
    run(plan, tmp_path / "study")
    assert not (tmp_path / "study" / "budget.json").exists()


@pytest.mark.parametrize(("first", "begun"), [(None, "without a budget"), (100.0, "with 100")])
def test_a_budget_that_comes_too_late_is_said_to_have_no_effect(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: float | None, begun: str
) -> None:
    at_speed(monkeypatch, 43.0)

    def said(seconds: float | None) -> list[str]:
        events = run(replace(plan, budget_seconds=seconds), tmp_path / "study")
        return [e.sentence for e in events if isinstance(e, Notice) and "no effect" in e.sentence]

    assert said(first) == said(first) == []
    assert said(250.0) == [
        f"budget.seconds=250 has no effect: the study in {tmp_path / 'study'} was begun {begun}; choose another --out."
    ]


def test_a_damaged_decision_is_named(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "budget.json").write_text('{"format": 1, "seconds": -1}')
    with pytest.raises(RunError, match=r"budget\.json: cannot be read .*; restore it"):
        run(plan, tmp_path / "study")


# The option


def test_the_budget_is_an_option_of_the_study(tmp_path: Path) -> None:
    path = str(written(tmp_path, None))
    assert load_plan(path).budget_seconds is None
    assert load_plan(path, {"budget.seconds": 60.0}).budget_seconds == 60.0
    assert load_plan(path, {"budget.seconds": 60}).budget_seconds == 60
    with pytest.raises(InputError, match=r"budget\.seconds"):
        load_plan(path, {"budget.seconds": 0})
    with pytest.raises(InputError, match=r"budget\.minutes"):
        load_plan(path, {"budget.minutes": 3})
