"""Runs as jobs of a cluster, here one that does them in this process: placed once, watched, queued again, told."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.command import environment
from tests.runs.same_study import results
from tests.runs.test_study import BURST, NARROW, WIDE, written
from tests.runs.test_work import Living, alone, begun

from isthmus.core.errors import Interrupted, RunError
from isthmus.core.lease import Leases
from isthmus.core.paths import cache_folder
from isthmus.recipes.study_plan import load_plan
from isthmus.runs import study as studies
from isthmus.runs.executors import one, order
from isthmus.runs.executors.carry_out import carry_out
from isthmus.runs.executors.cluster import Cluster, JobState, Placement
from isthmus.runs.executors.job import RunEvent, RunFailed
from isthmus.runs.executors.placed import Placed
from isthmus.runs.load import load_data
from isthmus.runs.run import Done
from isthmus.runs.study import StudyDone
from isthmus.runs.study_jobs import job_in
from isthmus.training.events import Notice
from isthmus.training.loop import Epoch

pytestmark = pytest.mark.usefixtures("cache_of_module")

Way = Callable[[Placement], JobState]


def whole(placement: Placement) -> JobState:
    """The job does its run."""
    study = placement.job.folder.parents[1]
    return "done" if one.do(study, placement.job) == 0 else "failed"


def partly(then: JobState) -> Way:
    """The job is stopped in the middle of its training, after a checkpoint."""

    def way(placement: Placement) -> JobState:
        for event in carry_out(placement.job, load_data, cache_folder(), Leases()):
            if isinstance(event, Epoch) and event.epoch == 1:
                break
        return then

    return way


def dies(placement: Placement) -> JobState:
    return "failed"


def is_cancelled(placement: Placement) -> JobState:
    return "cancelled"


class Simple(Cluster):
    """A cluster that does its jobs in this process, one at each look, each in the next of these ways."""

    kind: ClassVar[str] = "slurm"

    def __init__(self, *ways: Way) -> None:
        self.ways = list(ways)
        self.open = True
        self.placements: dict[str, Placement] = {}
        self.said: dict[str, JobState] = {}

    def check(self) -> None:
        pass

    def find(self, names: Sequence[str]) -> Mapping[str, str]:
        return {placement.name: id for id, placement in self.placements.items() if placement.name in names}

    def submit(self, placement: Placement) -> str:
        id = str(len(self.placements) + 1)
        self.placements[id], self.said[id] = placement, "waiting"
        return id

    def requeue(self, id: str, placement: Placement) -> str:
        self.said[id] = "waiting"
        return id

    def states(self, ids: Sequence[str]) -> Mapping[str, JobState]:
        first = next((id for id in ids if self.said.get(id) in ("waiting", "running")), None)
        if first is not None and self.open:
            way = self.ways.pop(0) if self.ways and self.said[first] == "running" else whole
            self.said[first] = "running" if self.said[first] == "waiting" else way(self.placements[first])
        return {id: self.said.get(id, "gone") for id in ids}

    def last_words(self, id: str) -> str:
        return "the last line"

    def hints(self, ids: Sequence[str]) -> tuple[str, str]:
        return f"look {' '.join(ids)}", f"end {' '.join(ids)}"


def run(path: Path, folder: Path, cluster: Cluster, patience: float = 0.0) -> Generator[Any]:
    on = Placed(cluster, folder, poll_seconds=0.01, patience_seconds=patience)
    yield from studies.study(
        load_plan(str(path)), folder, folder.parent / "cache", command="isthmus study mine.toml", on=on
    )


def leave(path: Path, folder: Path, cluster: Simple) -> str:
    """Place a study's runs and press Ctrl-C while they wait; the last sentence."""
    cluster.open = False
    with pytest.raises(Interrupted) as told:
        for event in run(path, folder, cluster):
            if isinstance(event, Notice) and "waiting" in event.sentence:
                signal.raise_signal(signal.SIGINT)
    cluster.open = True
    return str(told.value)


def done(events: list[Any]) -> list[str]:
    return sorted(e.job.variation for e in events if isinstance(e, RunEvent) and isinstance(e.event, Done))


def job_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "job.json").read_text())


def test_runs_as_jobs_come_out_as_on_one_computer(tmp_path: Path) -> None:
    path, cluster = written(tmp_path, NARROW, WIDE), Simple()
    events = list(run(path, tmp_path / "study", cluster))
    assert done(events) == ["narrow", "wide"]
    assert results(tmp_path / "study") == alone(path, tmp_path / "alone")
    told = [event.sentence for event in events if isinstance(event, Notice) and event.sentence.startswith("slurm: ")]
    assert told[:2] == ["slurm: of 2 runs, 1 running, 1 waiting.", "slurm: of 2 runs, 1 waiting, 1 ended."]
    assert done(list(run(path, tmp_path / "study", cluster))) == ["narrow", "wide"]
    assert len(cluster.placements) == 2


def test_a_command_that_was_left_finds_its_jobs_again(tmp_path: Path) -> None:
    path, cluster = written(tmp_path, NARROW, WIDE), Simple()
    said = leave(path, tmp_path / "study", cluster)
    assert said.startswith("2 jobs of slurm go on; the same command shows how they stand and gathers results")
    assert said.endswith("`look 1 2` shows them, `end 1 2` ends them")
    assert done(list(run(path, tmp_path / "study", cluster))) == ["narrow", "wide"]
    assert len(cluster.placements) == 2


def test_jobs_that_end_with_the_command_are_submitted_anew(tmp_path: Path) -> None:
    """A Ray that the command started itself. Nobody waits for what is surely gone."""
    path, before, after = written(tmp_path, NARROW), Simple(), Simple()
    before.outlives_command = after.outlives_command = False
    said = leave(path, tmp_path / "study", before)
    assert said == "slurm ends with this command; the same command goes on from what the runs saved"
    assert done(list(run(path, tmp_path / "study", after, patience=1000))) == ["narrow"]
    assert len(after.placements) == 1


def test_a_job_that_was_submitted_and_not_written_down_is_not_submitted_again(tmp_path: Path) -> None:
    """The command was killed in between."""
    path, cluster = written(tmp_path, NARROW), Simple()
    leave(path, tmp_path / "study", cluster)
    home = tmp_path / "study/narrow/seed-0"
    (home / "job.json").write_text(json.dumps({**job_of(home), "id": ""}))
    assert done(list(run(path, tmp_path / "study", cluster))) == ["narrow"]
    assert list(cluster.placements) == ["1"]


def test_a_stopped_job_is_queued_again_and_its_run_resumes(tmp_path: Path) -> None:
    path, cluster = written(tmp_path, NARROW), Simple(partly("stopped"))
    assert done(list(run(path, tmp_path / "study", cluster))) == ["narrow"]
    assert (list(cluster.placements), job_of(tmp_path / "study/narrow/seed-0")["again"]) == (["1"], 1)
    assert results(tmp_path / "study") == alone(path, tmp_path / "alone")


@pytest.mark.parametrize("state", ["failed", "gone", "done"])
def test_a_job_that_ended_without_a_word_is_submitted_again(tmp_path: Path, state: JobState) -> None:
    """Its process was killed, or the cluster has forgotten it."""
    path, cluster = written(tmp_path, NARROW), Simple(partly(state))
    events = list(run(path, tmp_path / "study", cluster))
    assert done(events) == ["narrow"]
    assert any("submitted again" in event.sentence for event in events if isinstance(event, Notice))
    assert list(cluster.placements) == ["1", "2"]
    assert results(tmp_path / "study") == alone(path, tmp_path / "alone")


def test_a_failed_run_is_named_with_its_log_and_tried_at_the_next_command(tmp_path: Path) -> None:
    path, cluster = written(tmp_path, NARROW, BURST), Simple()
    events = list(run(path, tmp_path / "study", cluster))
    assert done(events) == ["narrow"]
    failures = [event for event in events if isinstance(event, RunFailed)]
    assert [event.job.variation for event in failures] == ["burst"]
    assert "stopped being finite" in failures[0].sentence
    assert f"its log is {tmp_path / 'study/burst/seed-0/job.log'}" in failures[0].sentence
    last = events[-1]
    assert isinstance(last, StudyDone)
    assert str(tmp_path / "study/burst/seed-0/job.log") in last.findings.findings[0].sentence
    assert job_of(tmp_path / "study/burst/seed-0")["told"] is True
    list(run(path, tmp_path / "study", cluster))
    assert len(cluster.placements) == 3


def test_a_failure_while_nobody_looked_is_told_before_the_run_is_tried_again(tmp_path: Path) -> None:
    path, cluster = written(tmp_path, {**BURST, "compare": []}), Simple()
    leave(path, tmp_path / "study", cluster)
    cluster.said["1"] = whole(cluster.placements["1"])
    events = list(run(path, tmp_path / "study", cluster))
    assert [event.job.variation for event in events if isinstance(event, RunFailed)] == ["burst"]
    assert len(cluster.placements) == 1


def test_a_job_that_always_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    path, cluster = written(tmp_path, NARROW), Simple(*[dies] * 9)
    failure = next(event for event in run(path, tmp_path / "study", cluster) if isinstance(event, RunFailed))
    assert "ended before the run was done (the last line)" in failure.sentence
    assert len(cluster.placements) == 4


def test_a_cancelled_job_is_not_queued_again(tmp_path: Path) -> None:
    path, cluster = written(tmp_path, NARROW), Simple(is_cancelled)
    failure = next(event for event in run(path, tmp_path / "study", cluster) if isinstance(event, RunFailed))
    assert "its job 1 of slurm was cancelled" in failure.sentence
    assert len(cluster.placements) == 1


def test_two_commands_on_one_study_at_once(tmp_path: Path) -> None:
    path, cluster = written(tmp_path, NARROW), Simple()
    cluster.open = False
    first = run(path, tmp_path / "study", cluster)
    while not (tmp_path / "study/narrow/seed-0/job.json").exists():
        next(first)
    with pytest.raises(RunError, match="another process is at work here; wait for it"):
        list(run(path, tmp_path / "study", Simple()))
    first.close()
    assert len(cluster.placements) == 1


# What a job does on its node


def test_a_node_with_another_version_refuses(tmp_path: Path) -> None:
    def elsewhere(placement: Placement) -> JobState:
        (tmp_path / "study/version.json").write_text('{"format": 1, "isthmus": "7.0"}')
        return whole(placement)

    path, cluster = written(tmp_path, NARROW), Simple(elsewhere)
    failure = next(event for event in run(path, tmp_path / "study", cluster) if isinstance(event, RunFailed))
    assert "is made with isthmus 7.0, and on" in failure.sentence
    assert not (tmp_path / "study/narrow/seed-0/checkpoints").exists()


def test_a_run_that_another_process_holds_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, NARROW)
    study, home = begun(path, tmp_path / "study"), tmp_path / "study/narrow/seed-0"
    Living(home, monkeypatch)
    job = job_in(study, "narrow", 0, keep_optimizer=False)
    assert job is not None and one.do(study, job) == 0
    assert "process 7 of computer elsewhere is at work here; nothing is written here" in capsys.readouterr().out
    assert [path.name for path in home.iterdir()] == ["lease-1.json"]


@pytest.mark.slow
def test_a_job_of_its_own_process_prints_into_the_log_of_its_run(tmp_path: Path) -> None:
    def on_a_node(placement: Placement) -> JobState:
        told = subprocess.run(placement.command, env=environment(), capture_output=True, text=True, timeout=600)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout.endswith(f"prints into {placement.log.resolve()} from here on\n")
        return "done"

    path = written(tmp_path, NARROW)
    assert done(list(run(path, tmp_path / "study", Simple(on_a_node)))) == ["narrow"]
    assert (tmp_path / "study/narrow/seed-0/job.log").read_text().endswith("isthmus: done\n")
    job = job_in(tmp_path / "study", "narrow", 0, keep_optimizer=False)
    assert job is not None
    unseen = [*order.command_for(job, tmp_path / "study")]
    unseen[4] = str(tmp_path / "nowhere")
    told = subprocess.run(unseen, env=environment(), capture_output=True, text=True, timeout=600)
    assert (told.returncode, told.stderr) == (2, "")
    assert "does not see this study; put its folder on a file system that the nodes share" in told.stdout
    assert not (tmp_path / "nowhere").exists()
