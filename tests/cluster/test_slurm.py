"""A study on a real SLURM of one node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cluster import tiny_study
from tests.cluster.conftest import Cluster, Here
from tests.cluster.scenario import SECONDS, assert_each_run_was_done_once, stop_leave_and_go_on
from tests.command import assert_refused, finish, start
from tests.study_toml import study_toml

from isthmus.runs.executors.slurm import Slurm

pytestmark = [pytest.mark.slow, pytest.mark.cluster]


def test_runs_that_are_killed_requeued_and_out_of_time_end_as_on_one_computer(
    slurm: Cluster, here: Here, tmp_path: Path
) -> None:
    """SLURM sends SIGUSR2 before a job's time is over. The command is left and called again in the middle."""

    def kill(run: Path, process: int) -> None:
        tiny_study.kill(process)

    def requeue(run: Path, process: int) -> None:
        ask(slurm, "scontrol", "requeue", job_of(run))

    def time_is_over(run: Path, process: int) -> None:
        ask(slurm, "scancel", "--signal=USR2", job_of(run))

    study = tmp_path / "study"
    stopped, left, answer = stop_leave_and_go_on(slurm, here, study, [kill, requeue, time_is_over])
    assert left.code == 130
    assert " of slurm go on; the same command shows how they stand" in left.err
    assert "squeue --jobs " in left.err
    assert answer.code == 0, answer.err
    assert "waiting" in answer.err or "running" in answer.err
    assert tiny_study.result(study) == here.result
    assert_each_run_was_done_once(study, stopped)


def test_a_failed_run_is_named_with_its_log(slurm: Cluster, tmp_path: Path) -> None:
    rows = '[[variation]]\nname = "well"\n[[variation]]\nname = "burst"\nchanges = { train.learning_rate = 1e30 }\n'
    (tmp_path / "two.toml").write_text(study_toml(rows, data=["train = 80", "test = 12"], train=["epochs = 2"]))
    study = tmp_path / "study"
    answer = finish(
        start("study", tmp_path / "two.toml", "-o", study, *slurm.words, **slurm.environment), seconds=SECONDS
    )
    assert answer.code == 1
    log = study / "burst" / "seed-0" / "job.log"
    assert "stopped being finite" in answer.err and str(log) in answer.err
    assert "stopped being finite" in log.read_text()
    assert (study / "well" / "seed-0" / "evaluation.json").is_file()


def test_what_slurm_refuses_is_told_in_a_sentence(slurm: Cluster, six: Path, tmp_path: Path) -> None:
    words = ("study", six, "-o", tmp_path / "study", "--on", "slurm", "--slurm", "partition=nowhere", "--quiet")
    answer = finish(start(*words, **slurm.environment), seconds=SECONDS)
    assert answer.code == 1
    assert "SLURM refused the job: " in answer.err and "nvalid partition" in answer.err
    assert "Traceback" not in answer.err


def test_a_node_that_does_not_see_the_study_says_so(
    slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isthmus.runs.executors.cluster import Placement

    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    cluster = Slurm({}, tmp_path / "notes")
    command = (sys.executable, "-P", "-m", "isthmus.runs.executors.one", str(tmp_path / "not-here"), "d3", "0")
    job = cluster.submit(Placement(None, "isthmus-unseen", command, tmp_path / "log"))  # pyright: ignore[reportArgumentType]
    until = time.monotonic() + SECONDS
    while cluster.states([job])[job] in ("waiting", "running") and time.monotonic() < until:
        time.sleep(0.2)
    assert cluster.states([job])[job] == "failed"
    assert "does not see this study; put its folder on a file system that the nodes share" in cluster.last_words(job)


def test_no_controller_is_told_in_a_sentence(slurm: Cluster, six: Path, tmp_path: Path) -> None:
    """SLURM is installed, and this computer belongs to no cluster."""
    (tmp_path / "slurm.conf").write_text(
        "ClusterName=none\nSlurmctldHost=nowhere\nSlurmctldTimeout=5\nMessageTimeout=5\n"
    )
    environment = {**slurm.environment, "SLURM_CONF": str(tmp_path / "slurm.conf")}
    words = ("study", six, "-o", tmp_path / "study", "--on", "slurm")
    assert_refused(
        finish(start(*words, **environment), seconds=SECONDS), "--on slurm: ", "use a login node, or --on here"
    )


def job_of(run: Path) -> str:
    return json.loads((run / "job.json").read_text())["id"]


def ask(slurm: Cluster, *words: str) -> None:
    subprocess.run(words, env={**os.environ, **slurm.environment}, check=True, timeout=60)
