"""`isthmus work`: processes that share a study's folder do each run once, and together what one would have done."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.command import assert_refused, environment, finish, isthmus, start
from tests.runs.same_study import results, six_runs
from tests.runs.test_study import BURST, NARROW, WIDE, written

import isthmus as ist
from isthmus.core.errors import RunError
from isthmus.core.lease import Leases
from isthmus.recipes.study_plan import load_plan
from isthmus.runs import study as studies
from isthmus.runs.claim import locked
from isthmus.runs.executors.job import RunBegins, RunElsewhere, RunEvent, RunFailed
from isthmus.runs.run import Done
from isthmus.runs.same_version import keep_version
from isthmus.runs.study import StudyDone
from isthmus.runs.study_file import write_plan
from isthmus.runs.work import LeftToOthers, work
from isthmus.training.loop import Epoch

HOLDER = {"host": "elsewhere", "process": 7, "machine": "another", "id": "x", "seconds": 0.4, "locked": 0}


@pytest.fixture(autouse=True)
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_LEASE_SECONDS", "0.4")


def take_part(path: Path, folder: Path, **how: Any) -> Iterator[Any]:
    return work(load_plan(str(path)), folder, folder.parent / "cache", command="isthmus study mine.toml", **how)


def alone(path: Path, folder: Path) -> dict[str, Any]:
    """What one process makes of the study."""
    for _ in studies.study(load_plan(str(path)), folder, folder.parent / "cache", command="isthmus study mine.toml"):
        pass
    return results(folder)


def done(events: list[Any]) -> list[str]:
    ends = [event.job for event in events if isinstance(event, RunEvent) and isinstance(event.event, Done)]
    return sorted(f"{job.variation}/{job.seed}" for job in ends)


def leases_in(folder: Path) -> list[Path]:
    return list(folder.rglob("lease-*"))


def begun(path: Path, folder: Path) -> Path:
    """A study's folder that another process has begun."""
    folder.mkdir()
    (folder / "lock").touch()
    write_plan(load_plan(str(path)), folder)
    keep_version(folder)
    return folder


class Living:
    """A process of another computer that holds a run: whoever looks sees its lease change."""

    def __init__(self, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run.mkdir(parents=True)
        self.file, self.beat, self.lives = run / "lease-1.json", 0, True
        look = Leases.look
        self.renew()

        def looked(leases: Leases, folder: Path) -> str:
            if folder == run and self.lives:
                self.renew()
            return look(leases, folder)

        monkeypatch.setattr(Leases, "look", looked)

    def renew(self) -> None:
        self.beat += 1
        self.file.write_text(json.dumps({**HOLDER, "beat": f"{self.beat:08d}"}))


def test_one_process_does_what_a_study_does(tmp_path: Path) -> None:
    path = written(tmp_path, NARROW, WIDE)
    events = list(take_part(path, tmp_path / "work"))
    assert done(events) == ["narrow/0", "wide/0"]
    assert isinstance(events[-1], StudyDone)
    assert results(tmp_path / "work") == alone(path, tmp_path / "alone")
    assert leases_in(tmp_path) == []
    again = list(take_part(path, tmp_path / "work"))
    assert done(again) == [] and isinstance(again[-1], StudyDone)


def test_a_run_that_another_process_does_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, NARROW, WIDE)
    Living(begun(path, tmp_path / "study") / "wide/seed-0", monkeypatch)
    events = list(take_part(path, tmp_path / "study"))
    assert done(events) == ["narrow/0"]
    assert isinstance(events[-1], LeftToOthers)
    assert "1 run of 2 is still with others: wide, seed 0 (process 7 of computer elsewhere)" in events[-1].sentence
    assert [path.name for path in (tmp_path / "study/wide/seed-0").iterdir()] == ["lease-1.json"]
    assert not (tmp_path / "study/findings.json").exists()


def test_whoever_waits_does_what_a_dead_process_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, NARROW, WIDE)
    other = Living(begun(path, tmp_path / "study") / "wide/seed-0", monkeypatch)
    events: list[Any] = []
    for event in take_part(path, tmp_path / "study", wait=True):
        events.append(event)
        other.lives = not str(event).startswith("Notice(sentence='Nothing is free")
    assert done(events) == ["narrow/0", "wide/0"]
    assert results(tmp_path / "study") == alone(path, tmp_path / "alone")


def test_a_study_on_one_computer_leaves_a_run_to_its_holder_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, NARROW, WIDE)
    Living(begun(path, tmp_path / "study") / "wide/seed-0", monkeypatch)
    answer = isthmus("study", path, "-o", tmp_path / "study")
    assert answer.code == 0, answer
    assert "process 7 of computer elsewhere is at work here" in answer.err
    found = json.loads((tmp_path / "study/findings.json").read_text())
    assert [run["status"] for row in found["variations"] for run in row["runs"]] == ["done", "missing"]
    shutil.copy(tmp_path / "study/narrow/seed-0/recipe.toml", tmp_path / "study/wide/seed-0")
    assert isthmus("runs", tmp_path / "study").out.count("in use") == 1
    refused = isthmus("remove", tmp_path / "study", "--yes")
    assert_refused(refused, "process 7 of computer elsewhere is at work in it", "lease-*.json", code=1)


def test_a_worker_that_comes_back_late_writes_nothing_more(tmp_path: Path) -> None:
    """Another process took its run over while it stood still."""
    path = written(tmp_path, NARROW)
    run = tmp_path / "study/narrow/seed-0"
    seen: list[Any] = []
    before: dict[Path, bytes] = {}
    for event in take_part(path, tmp_path / "study"):
        seen.append(event)
        if isinstance(event, RunEvent) and isinstance(event.event, Epoch) and not before:
            (run / "lease-2.json").write_text(json.dumps({**HOLDER, "seconds": 30, "beat": "1"}))
            time.sleep(0.5)  # longer than the lease
            before = contents(run)
        if isinstance(event, RunElsewhere):
            break
    ended = seen[-1]
    assert isinstance(ended, RunElsewhere)
    assert (
        "this process stood still for longer than its lease of 0.4 s, and another process took over" in ended.sentence
    )
    assert before and contents(run) == before
    assert not any(isinstance(event, RunFailed) for event in seen)


STOPPED = """
import pathlib, sys
from isthmus.core.errors import RunError
from isthmus.core.lease import Leases
from isthmus.core.locks import locked_file
run = pathlib.Path(sys.argv[1])
with Leases().hold(run), locked_file(run / "lock", wait=False):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_process_that_stands_still_on_this_computer_keeps_no_run(tmp_path: Path) -> None:
    """It still has the lock of the folder, which a run takes besides the lease."""
    run, seen = tmp_path / "run", Leases()
    pipe = subprocess.PIPE
    other = subprocess.Popen([sys.executable, "-c", STOPPED, run], env=environment(), stdin=pipe, stdout=pipe)
    assert other.stdout is not None and other.stdout.readline() == b"held\n"
    with pytest.raises(RunError, match=f"process {other.pid} of this computer is at work here"), locked(run):
        pass
    other.send_signal(signal.SIGSTOP)
    while seen.look(run) != "free":
        time.sleep(0.02)
    with seen.hold(run), locked(run):
        pass
    other.kill()
    other.communicate()


def contents(run: Path) -> dict[Path, bytes]:
    ours = [path for path in run.rglob("*") if path.is_file() and path.name != "lease-1.json"]
    return {path: path.read_bytes() for path in ours}


def test_a_failed_run_is_tried_once_and_named(tmp_path: Path) -> None:
    path = written(tmp_path, NARROW, BURST)
    for _ in range(2):  # once for each command
        events = list(take_part(path, tmp_path / "study"))
        assert [event.job.variation for event in events if isinstance(event, RunFailed)] == ["burst"]
    found = json.loads((tmp_path / "study/findings.json").read_text())
    assert [row["variation"] for row in found["findings"] if row["kind"] == "failure"] == ["burst"]


def test_a_run_that_failed_elsewhere_meanwhile_is_not_tried_again(tmp_path: Path) -> None:
    path = written(tmp_path, NARROW, WIDE)
    events: list[Any] = []
    for event in take_part(path, tmp_path / "study"):
        events.append(event)
        first = next((one.job for one in events if isinstance(one, RunBegins)), None)
        if first is not None and len(list((tmp_path / "study").glob("*/seed-0/failed.json"))) == 0:
            other = tmp_path / "study" / ("wide" if first.variation == "narrow" else "narrow") / "seed-0"
            other.mkdir(parents=True)
            (other / "failed.json").write_text('{"format": 1, "error": "no GPU there"}')
    assert len([one for one in events if isinstance(one, RunBegins)]) == 1
    assert isinstance(events[-1], StudyDone)
    assert "failed: no GPU there" in events[-1].findings.findings[0].sentence


def test_another_version_of_isthmus_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, NARROW)
    list(take_part(path, tmp_path / "study"))
    version = tmp_path / "study/version.json"
    assert json.loads(version.read_text())["isthmus"] == ist.__version__
    version.write_text('{"format": 1, "isthmus": "7.0"}')
    answer = isthmus("work", tmp_path / "study")
    assert_refused(answer, "made with isthmus 7.0", f"there is {ist.__version__}")
    assert isthmus("study", tmp_path / "study", "seeds=2").code == 0  # whoever begins runs decides
    assert json.loads(version.read_text())["isthmus"] == ist.__version__


def test_who_takes_part_does_not_change_the_study(tmp_path: Path) -> None:
    path = written(tmp_path, NARROW)
    list(take_part(path, tmp_path / "study"))
    answer = isthmus("work", path, "-o", tmp_path / "study", "bottleneck.dim=5")
    assert_refused(answer, "narrow.bottleneck.dim is 2 there, 5 here", "isthmus study")


def test_the_command_prints_what_a_study_prints(tmp_path: Path) -> None:
    path = written(tmp_path, NARROW)
    answer = isthmus("work", path, "-o", tmp_path / "study")
    assert answer.code == 0, answer
    assert "narrow" in answer.out and (tmp_path / "study/report.html").is_file()
    told = isthmus("work", tmp_path / "study", "--json", "-q")
    assert json.loads(told.out)["study"] == "mine"
    assert told.err == ""


@pytest.mark.slow
def test_three_processes_and_random_kills_come_out_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six runs; whoever is killed, or stopped for longer than its lease, is replaced by a new process."""
    monkeypatch.setenv("ISTHMUS_LEASE_SECONDS", "4")
    path, study = six_runs(tmp_path, epochs=30, train=200), tmp_path / "study"
    chance = random.Random(1)

    def begin() -> Any:
        return start("work", path, "-o", study, "-q")

    workers, hit = [begin() for _ in range(3)], []
    deadline = time.monotonic() + 1500
    while len(list(study.glob("*/seed-*/evaluation.json"))) < 6:
        assert time.monotonic() < deadline
        time.sleep(chance.uniform(1, 3))
        if len(hit) < 4 and len(list(study.glob("*/seed-*/checkpoints"))) > len(hit):
            victim = workers.pop(chance.randrange(len(workers)))
            victim.send_signal(signal.SIGKILL if len(hit) % 2 else signal.SIGSTOP)
            hit.append(victim)
            workers.append(begin())
    for victim in hit:
        if victim.poll() is None:
            victim.send_signal(signal.SIGCONT)
    answers = [finish(worker, seconds=900) for worker in (*workers, *hit)]
    last = finish(start("work", study, "-q"), seconds=900)
    assert last.code == 0, last
    assert len(hit) == 4
    assert not any("Traceback" in answer.err for answer in answers)
    assert results(study) == alone(path, tmp_path / "alone")
    for run in study.glob("*/seed-*"):  # nothing twice, and nothing lost
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == list(range(1, 31)), run
    assert leases_in(study) == []
