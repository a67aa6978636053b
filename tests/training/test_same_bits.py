"""The same seed, the same bits: of the model and of all that its objective learns, in every family."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import ROOT
from tests.training import bits

from isthmus.core import streams
from isthmus.recipes.study_plan import load_plan
from isthmus.runs.study import study
from isthmus.runs.study_row import seed_folder
from isthmus.training import in_folder, meter
from isthmus.training.events import Notice
from isthmus.training.initial_model import untrained

# those that learn beside the model, or draw in ways of their own
FEW = ("factor-vae", "adversarial", "vae-gan", "vq")
REST = tuple(name for name in bits.families() if name not in FEW)


@pytest.fixture(scope="module", autouse=True)
def every_step_safe() -> Iterator[None]:
    """Log at every step, so that an interruption can fall anywhere. It changes no bits: processes do without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meter, "LOG_STEPS", 1)
        yield


def elsewhere(names: Sequence[str], home: Path) -> dict[str, dict[str, str]]:
    """What a process of its own makes of the families, one after the other."""
    command = [sys.executable, "-m", "tests.training.bits", str(home), *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def disturb() -> None:
    """Whatever was drawn in this process before: nothing may hang on it."""
    torch.manual_seed(random.SystemRandom().getrandbits(32))
    np.random.seed(random.SystemRandom().getrandbits(32))


def check(names: Sequence[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes, both orders, and interruptions before and after the first checkpoint: equal bits."""
    expected = elsewhere(names, home / "one")
    for name in reversed(names):
        disturb()
        assert bits.train(name, home / "two" / name) == expected[name], f"{name}: in another order and process"
        assert ("objective.safetensors" in str(expected[name])) == learns(name)
    for name in names:
        folder = home / "three" / name
        stop(name, folder, after=2)  # a step, and nothing saved
        assert not (folder / "checkpoints").exists()
        monkeypatch.setattr(in_folder, "SAVE_SECONDS", 0.0)
        stop(name, folder, after=3)  # a step, and it is saved
        assert (folder / "checkpoints" / "last").is_dir()
        disturb()
        assert bits.train(name, folder) == expected[name], f"{name}: interrupted"
        monkeypatch.undo()


def learns(name: str) -> bool:
    return bool(untrained(bits.families()[name], (3, 16, 16))[1].state_dict())


def stop(name: str, folder: Path, *, after: int) -> None:
    """Drop a run after so many events, as a crash does."""
    disturb()
    events = bits.events(name, folder)
    for _ in range(after):
        next(events)
    events.close()  # type: ignore[attr-defined]


def test_families_that_learn_beside_their_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(FEW, tmp_path, monkeypatch)


@pytest.mark.slow
def test_all_other_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(REST, tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["factor-vae", "adversarial", "vae-gan"])
def test_what_is_learned_begins_otherwise_at_another_seed(name: str) -> None:
    """Seeds 0 and 7 shared a discriminator."""
    recipe = bits.families()[name]
    begun: list[list[torch.Tensor]] = []
    for seed in (0, 7, 0):
        disturb()
        model, objective = untrained(replace(recipe, seed=seed), (3, 16, 16))
        begun.append([parameter.detach() for part in (model, objective) for parameter in part.parameters()])
    drawn = [number for number, weight in enumerate(begun[0]) if weight.unique().numel() > 1]
    assert all(torch.equal(one, again) for one, again in zip(begun[0], begun[2], strict=True))
    assert not any(torch.equal(begun[0][number], begun[1][number]) for number in drawn)


@pytest.mark.parametrize("name", list(bits.families()))
def test_nothing_that_a_family_begins_with_is_drawn_elsewhere(name: str) -> None:
    """Every family, before its first step: the fast part of the matrix below."""
    recipe = bits.families()[name]
    begun: list[dict[str, torch.Tensor]] = []
    for _ in range(2):
        disturb()
        model, objective = untrained(recipe, (3, 16, 16))
        begun.append(
            {f"{part}": value for part, value in [*model.state_dict().items(), *objective.state_dict().items()]}
        )
    assert all(torch.equal(begun[0][key], begun[1][key]) for key in begun[0])


def test_a_run_that_an_earlier_version_began_says_that_its_draws_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on, whatever it drew before."""
    monkeypatch.setattr(in_folder, "SAVE_SECONDS", 0.0)
    folder = tmp_path / "run"
    stop("denoising", folder, after=3)
    state = folder / "checkpoints" / "last" / "state.json"
    held = json.loads(state.read_text())
    assert held["notes"].pop("draws") == streams.VERSION
    state.write_text(json.dumps(held))
    said = [event.sentence for event in bits.events("denoising", folder) if isinstance(event, Notice)]
    assert [sentence for sentence in said if "another version" in sentence and "not the same bits" in sentence]


@pytest.mark.slow
def test_a_study_in_both_orders_trains_the_same(tmp_path: Path) -> None:
    """Its runs share a process, and what one draws, or its evaluation, is nothing to the next."""
    plan = load_plan("families", bits.SMALL)
    rows = [row for row in plan.variations if row.name in ("factor-vae", "adversarial")]
    found: list[dict[str, dict[str, str]]] = []
    for order in (rows, rows[::-1]):
        home = tmp_path / order[0].name
        chosen = replace(plan, variations=tuple(replace(row, compare=()) for row in order))
        for _ in study(chosen, home, tmp_path / "cache", command="isthmus study"):
            pass
        found.append({row.name: bits.left(seed_folder(home, row.name, 0)) for row in order})
    assert found[0] == found[1]
