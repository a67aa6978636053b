"""`train.threads`: a run's own choice, kept for as long as the run lasts and no longer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from isthmus.recipes.recipe import Recipe
from isthmus.runs.load import load_data
from isthmus.runs.run import run
from isthmus.runs.run_folder import read_recipe
from isthmus.training import loop
from isthmus.training.events import Notice

OTHER = torch.get_num_threads() + 1


def test_a_run_has_its_threads_and_the_process_its_own(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe, before = tiny({"train.threads": OTHER, "train.epochs": 1}), torch.get_num_threads()
    for event in run(recipe, tmp_path / "run", load_data(recipe), tmp_path):
        if isinstance(event, loop.Step | loop.Epoch):
            assert torch.get_num_threads() == OTHER
    assert torch.get_num_threads() == before
    assert json.loads((tmp_path / "run/environment.json").read_text())["threads"] == OTHER


def test_an_interrupted_run_gives_the_threads_back(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe, before = tiny({"train.threads": OTHER}), torch.get_num_threads()
    events = run(recipe, tmp_path / "run", load_data(recipe), tmp_path)
    assert any(isinstance(event, loop.Step) for event in events)
    events.close()  # type: ignore[attr-defined]
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("began", "asked"), [(1, OTHER), (OTHER, None), (None, OTHER)])
def test_a_run_goes_on_with_the_threads_it_began_with(
    tiny: Callable[..., Recipe], tmp_path: Path, began: int | None, asked: int | None
) -> None:
    """Whatever is asked for now: it says so, and ends with the bits of the run that was never stopped."""
    first, again = tiny({"train.threads": began}), tiny({"train.threads": asked})
    splits = load_data(first)
    assert not said(first, tmp_path / "whole", tmp_path)
    for event in run(first, tmp_path / "run", splits, tmp_path):
        if isinstance(event, loop.Epoch):
            break
    (sentence,) = said(again, tmp_path / "run", tmp_path)
    assert sentence.endswith(f"goes on with train.threads {began or 'unset'}, as it began.")
    assert read_recipe(tmp_path / "run").train.threads == began
    weights = [load_file(tmp_path / name / "checkpoints/best/model.safetensors") for name in ("whole", "run")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not said(again, tmp_path / "run", tmp_path), "a finished run is shown, and nothing goes on"


def said(recipe: Recipe, folder: Path, cache: Path) -> list[str]:
    events = run(recipe, folder, load_data(recipe), cache)
    return [event.sentence for event in events if isinstance(event, Notice)]
