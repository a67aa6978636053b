"""Runs at the same time: the bits of runs made alone, and nothing lost or left behind however one ends."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from safetensors.torch import load_file
from tests.command import assert_refused, finish, isthmus, start

from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_plan
from isthmus.runs import study as studies
from isthmus.runs.executors import pool
from isthmus.runs.executors.job import Job, RunBegins, RunEvent, RunFailed
from isthmus.runs.executors.order import JobOrder
from isthmus.runs.executors.process import Process
from isthmus.runs.load import load_data
from isthmus.runs.run import Done, run
from isthmus.runs.run_folder import is_begun, is_evaluated, is_trained, read_recipe
from isthmus.training.environment import command_line
from isthmus.training.loop import Epoch, Step

BASE: dict[str, Any] = {
    "data": {"kind": "scenes", "train": 48, "test": 12, "size": 16},
    "architecture": {"kind": "conv", "filters": [4], "strides": [2]},
    "bottleneck": {"kind": "vector", "dim": 2},
    "train": {"epochs": 2, "batch": 16, "device": "cpu", "precision": "fp32"},
}
LONG = {"train.epochs": 1000}
WIDE = {"name": "wide", "compare": "narrow", "changes": {"bottleneck.dim": 8, "architecture.filters": [5]}}
BURST = {"name": "burst", "changes": {"train.learning_rate": 1e30}}


def written(folder: Path, *variations: dict[str, Any]) -> Path:
    path = folder / "mine.toml"
    path.write_text(tomli_w.dumps({"base": BASE, "variation": [{"name": "narrow"}, *variations]}))
    return path


def jobs(recipes: dict[str, Recipe], folder: Path) -> list[Job]:
    """The recipes as jobs, in folders of their names."""
    rows = enumerate(recipes.items(), start=1)
    return [Job(name, recipe.seed, n, len(recipes), recipe, folder / name) for n, (name, recipe) in rows]


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A study of three variations, one of which diverges, run two at a time; and its events."""
    home = tmp_path_factory.mktemp("at_once")
    plan = load_plan(str(written(home, WIDE, BURST)))
    return home / "study", list(studies.study(plan, home / "study", home / "cache", command="", jobs=2))


def test_runs_at_the_same_time_have_the_bits_of_runs_alone(at_once: tuple[Path, list[Any]], tmp_path: Path) -> None:
    """The recipe that each leaves behind says how many threads it had, and is all that it takes."""
    for name in ("narrow", "wide"):
        home = at_once[0] / name / "seed-0"
        recipe = read_recipe(home)
        assert recipe.train.threads == max(1, torch.get_num_threads() // 2)
        for _ in run(recipe, tmp_path / name, load_data(recipe), tmp_path / "cache"):
            pass
        ours, alone = (load_file(path / "checkpoints/best/model.safetensors") for path in (home, tmp_path / name))
        assert ours.keys() == alone.keys()
        assert all(torch.equal(ours[key], alone[key]) for key in ours)
        scores = [json.loads((path / "evaluation.json").read_text())["scores"] for path in (home, tmp_path / name)]
        assert scores[0]["model"] == scores[1]["model"]


def test_every_event_says_whose_it_is(at_once: tuple[Path, list[Any]]) -> None:
    events = at_once[1]
    for name in ("narrow", "wide"):
        own = [event.event for event in events if isinstance(event, RunEvent) and event.job.variation == name]
        assert [event.epoch for event in own if isinstance(event, Epoch)] == [1, 2]
        assert [event.step for event in own if isinstance(event, Step) and event.log is not None] == [3, 6]
        assert isinstance(own[-1], Done)
        assert own[-1].folder == at_once[0] / name / "seed-0"
    begun = [event.job.variation for event in events if isinstance(event, RunBegins)]
    assert begun == ["wide", "narrow", "burst"], "most arithmetic first"


def test_a_run_that_fails_beside_others_is_the_only_one(at_once: tuple[Path, list[Any]]) -> None:
    folder, events = at_once
    (failure,) = [event for event in events if isinstance(event, RunFailed)]
    assert failure.job.variation == "burst"
    assert "the loss stopped being finite" in failure.sentence
    record = json.loads((folder / "burst/seed-0/failed.json").read_text())
    assert record["error"] == failure.sentence
    assert "RunError" in record["traceback"]
    status = {row.name: row.runs[0].status for row in events[-1].findings.variations}
    assert status == {"narrow": "done", "wide": "done", "burst": "failed"}


def test_the_environment_names_the_command_that_was_typed(at_once: tuple[Path, list[Any]]) -> None:
    environment = json.loads((at_once[0] / "narrow/seed-0/environment.json").read_text())
    assert environment["command"] == command_line()
    assert environment["threads"] == max(1, torch.get_num_threads() // 2)


def test_finished_runs_start_no_process(
    at_once: tuple[Path, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever number of jobs is asked for now, and although they had another number of threads."""
    monkeypatch.setattr(pool, "Process", None)
    folder = at_once[0]
    plan = load_plan(str(written(tmp_path, WIDE)))
    for count in (1, 2, "auto"):
        events = list(studies.study(plan, folder, tmp_path, command="", jobs=count))
        assert [type(event.event) for event in events if isinstance(event, RunEvent)] == [Done, Done]


# However a process ends


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Process]:
    """Those that the pool starts, by the variation they work on."""
    started: dict[str, Process] = {}

    def starting(order: JobOrder, threads: int) -> Process:
        started[order.job.variation] = Process(order, threads)
        return started[order.job.variation]

    monkeypatch.setattr(pool, "Process", starting)
    return started


def test_a_killed_process_is_a_failed_run_and_its_siblings_go_on(
    tiny: Callable[..., Recipe], tmp_path: Path, processes: dict[str, Process]
) -> None:
    victim, sibling = jobs({"victim": tiny(LONG), "sibling": tiny()}, tmp_path)
    said: list[RunFailed] = []
    ends: list[str] = []
    for event in pool.Pool(2, tmp_path / "cache").run([victim, sibling]):
        if isinstance(event, RunFailed):
            said.append(event)
            ends.append(event.job.variation)
        elif isinstance(event, RunEvent) and isinstance(event.event, Done):
            ends.append(event.job.variation)
        elif isinstance(event, RunEvent) and isinstance(event.event, Epoch) and event.job.variation == "victim":
            os.kill(processes["victim"].child.pid, signal.SIGKILL)
    assert sorted(ends) == ["sibling", "victim"]
    assert said[0].sentence.startswith("its process was killed (SIGKILL)")
    assert "run the study again" in said[0].sentence
    assert is_begun(victim.folder) and not is_trained(victim.folder)


def test_ctrl_c_lets_every_run_save_and_a_second_one_does_not_wait(
    tiny: Callable[..., Recipe], tmp_path: Path, processes: dict[str, Process]
) -> None:
    both = jobs({"a": tiny(LONG), "b": tiny(LONG), "waiting": tiny()}, tmp_path)
    saw: dict[str, int] = {}
    asked = False
    with pytest.raises(KeyboardInterrupt):
        for event in pool.Pool(2, tmp_path / "cache").run(both):
            assert not isinstance(event, RunFailed)
            if isinstance(event, RunEvent) and isinstance(event.event, Step):
                saw[event.job.variation] = event.event.step
                if len(saw) == 2 and not asked:
                    asked = True
                    signal.raise_signal(signal.SIGINT)
    assert {name: process.child.returncode for name, process in processes.items()} == {"a": 130, "b": 130}
    for name in ("a", "b"):
        state = json.loads((tmp_path / name / "checkpoints/last/state.json").read_text())
        assert state["progress"]["step"] >= saw[name]

    with pytest.raises(KeyboardInterrupt):
        for _ in pool.Pool(2, tmp_path / "cache").run(both):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
    assert all(process.child.returncode is not None for process in processes.values())
    assert "waiting" not in processes


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie whose parent has gone does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes through /proc")
def test_processes_end_with_the_one_that_started_them_and_the_study_goes_on(tmp_path: Path) -> None:
    """`kill -9` of the parent leaves no orphans; Ctrl-C of the next attempt exits with 130; the third is done."""
    path = written(tmp_path, WIDE)
    command = ("study", path, "-o", tmp_path / "study", "--jobs", 2, "data.train=4000", "train.epochs=6")
    parent = start(*command)
    homes = [tmp_path / "study" / name / "seed-0" for name in ("narrow", "wide")]
    wait_for(lambda: all((home / "checkpoints/last/state.json").exists() for home in homes))
    workers = children(parent.pid)
    assert len(workers) == 2
    parent.kill()
    finish(parent)
    wait_for(lambda: not any(map(is_alive, workers)))
    assert not any(is_evaluated(home) for home in homes), "too fast to be killed"

    again = start(*command)
    wait_for(lambda: len(children(again.pid)) == 2)
    again.send_signal(signal.SIGINT)
    answer = finish(again)
    assert answer.code == 130, answer
    assert "Traceback" not in answer.err
    assert not list((tmp_path / "study").glob("*/seed-0/failed.json"))

    third = finish(start(*command))
    assert third.code == 0, third
    assert "resumed at step" in third.err


def wait_for(condition: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < 60
        time.sleep(0.02)


# Who runs beside whom


class Instant:
    """A process that ends as soon as it is looked at; `log` has its start and its end."""

    log: list[str]

    def __init__(self, order: JobOrder, threads: int) -> None:
        self.job = order.job
        self.heard = [None]
        self.log.append(f"{self.job.variation} on {threads} of {order.job.recipe.train.threads}")

    def receive(self) -> None:
        return None

    def end(self) -> None:
        self.log.append(f"{self.job.variation} ends")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What processes would be started and ended on a machine of eight threads."""
    monkeypatch.setattr(Instant, "log", [], raising=False)
    monkeypatch.setattr(pool, "Process", Instant)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    yield Instant.log


def test_no_more_run_at_a_time_than_was_asked_for(tiny: Callable[..., Recipe], tmp_path: Path, log: list[str]) -> None:
    """Recipes that ask for few threads take a whole share."""
    few = jobs({"a": tiny({"train.threads": 1}), "b": tiny(), "c": tiny()}, tmp_path)
    list(pool.Pool(2, tmp_path).run(few))
    assert log == ["a on 1 of 1", "b on 4 of 4", "a ends", "b ends", "c on 4 of 4", "c ends"]


def test_a_run_that_was_begun_on_all_threads_goes_on_alone(
    tiny: Callable[..., Recipe], tmp_path: Path, log: list[str]
) -> None:
    """On the threads of its recipe, or where that names none on those of its environment."""
    recorded = jobs({"a": tiny(), "b": tiny(), "c": tiny()}, tmp_path)
    begun, kept = tmp_path / "b", Path(__file__).parents[2] / "fixtures" / "run-1e26724" / "environment.json"
    environment = {**json.loads(kept.read_text()), "threads": 8}
    (begun / "checkpoints").mkdir(parents=True)
    (begun / "recipe.toml").write_text(tiny().toml())
    (begun / "environment.json").write_text(json.dumps(environment))
    list(pool.Pool(2, tmp_path).run(recorded))
    assert log == ["a on 4 of 4", "a ends", "b on 8 of None", "b ends", "c on 4 of 4", "c ends"]
    log.clear()
    (begun / "recipe.toml").write_text(tiny({"train.threads": 3}).toml())
    list(pool.Pool(2, tmp_path).run(recorded))
    assert log == ["a on 4 of 4", "b on 3 of 3", "a ends", "b ends", "c on 4 of 4", "c ends"]


@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5", ""])
def test_a_number_of_jobs_that_is_none_is_refused(count: str, tmp_path: Path) -> None:
    path = written(tmp_path, WIDE)
    answer = isthmus("study", path, "-o", tmp_path / "study", f"--jobs={count}")
    assert_refused(answer, f"--jobs: {count!r} does not fit", "auto")
    assert not (tmp_path / "study").exists()
