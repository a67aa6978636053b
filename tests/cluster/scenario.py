"""A study on a cluster of which processes are stopped, and whose command is left and called again."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cluster import tiny_study
from tests.cluster.conftest import Cluster, Here
from tests.command import Answer, finish, start

SECONDS = 900  # of a whole study, on a busy machine


def stop_leave_and_go_on(
    cluster: Cluster, here: Here, study: Path, stops: Sequence[Callable[[Path, int], None]]
) -> tuple[list[Path], Answer, Answer]:
    """Each of `stops` gets a run at work and its process. Then Ctrl-C, and the same command once more.

    Returns the runs that were stopped, and what the two commands said.
    """
    words = ("study", here.file, "-o", study, *cluster.words)
    command = start(*words, **cluster.environment)
    stopped: list[Path] = []
    for stop in stops:
        run, process = _at_work(study, stopped, command)
        stop(run, process)
        stopped.append(run)
    command.send_signal(signal.SIGINT)
    left = finish(command, seconds=SECONDS)
    return stopped, left, finish(start(*words, **cluster.environment), seconds=SECONDS)


def _at_work(study: Path, but: Sequence[Path], command: subprocess.Popen[str]) -> tuple[Path, int]:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and command.poll() is None:
        for run in tiny_study.runs_in(study):
            if run not in but and (process := tiny_study.process_in(run)) is not None:
                return run, process
        time.sleep(0.05)
    raise AssertionError(f"no run is at work in {study}: {finish(command)}")


def assert_each_run_was_done_once(study: Path, stopped: Sequence[Path]) -> None:
    """And those that were stopped went on from what they had saved."""
    for run in tiny_study.runs_in(study):
        said = tiny_study.told(run)
        assert said.done == 1, run
        assert len(said.processes) == 1 + (run in stopped), run
        assert all(step > 0 for step in said.starts[1:]), run
