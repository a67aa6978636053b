"""SLURM and Ray where they are not: what is asked for is checked, and what is missing is told in one sentence."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.command import assert_refused, environment, isthmus

from isthmus.core.errors import InputError, RunError
from isthmus.runs.executors import slurm_queue
from isthmus.runs.executors.on_node import Child, Task, last_line
from isthmus.runs.executors.ray import Ray
from isthmus.runs.executors.ray_options import read_options as ray_options
from isthmus.runs.executors.slurm import Slurm
from isthmus.runs.executors.slurm_options import minutes
from isthmus.runs.executors.slurm_options import read_options as slurm_options


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Let submitit and ray be found, or not."""

    def there(found: bool) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if found else None)

    return there


# What is asked for


def test_options_of_slurm_become_those_of_submitit() -> None:
    asked = {"partition": "gpu", "time": "1:30:00", "gpus": "a100:2", "memory": "16G", "cpus": "4"}
    assert slurm_options(asked) == {
        "partition": "gpu",
        "time": 90,
        "gpus_per_node": "a100:2",
        "mem": "16G",
        "cpus_per_task": "4",
    }


@pytest.mark.parametrize(
    ("words", "expected"), [("90", 90), ("1:30", 2), ("1:30:00", 90), ("2-12", 3600), ("1-0:30", 1470), ("0", 1)]
)
def test_slurm_times(words: str, expected: int) -> None:
    assert minutes(words) == expected


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"prtition": "gpu"}, "--slurm prtition: unknown; it takes partition, time, gpus"),
        ({"time": "soon"}, "--slurm time: 'soon' does not fit: it is minutes or H:MM:SS"),
        ({"cpus": "0"}, "--slurm cpus: '0' does not fit"),
        ({"partition": "a\n#SBATCH --x"}, "--slurm partition: "),
        ({"account": "x; rm"}, "--slurm account: "),
    ],
)
def test_options_that_slurm_would_not_understand_are_refused(asked: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError) as told:
        slurm_options(asked)
    assert str(told.value).startswith(sentence)
    assert "\n" not in str(told.value)


def test_options_of_ray_become_resources() -> None:
    assert ray_options({}) == {"num_cpus": 1}
    asked = {"cpus": "2", "gpus": "0.5", "memory": "2G"}
    assert ray_options(asked) == {"num_cpus": 2, "num_gpus": 0.5, "memory": 2 << 30}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"time": "5"}, "--ray time: unknown; it takes cpus, gpus, memory"),
        ({"gpus": "many"}, "--ray gpus: 'many' does not fit"),
        ({"memory": "2X"}, "--ray memory: '2X' does not fit"),
    ],
)
def test_options_that_ray_would_not_understand_are_refused(asked: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError) as told:
        ray_options(asked)
    assert str(told.value).startswith(sentence)


# No cluster there


@pytest.mark.parametrize("place", ["slurm", "ray"])
def test_a_missing_package_is_told_with_the_command_that_installs_it(
    place: str, packages: Callable[[bool], None], tmp_path: Path
) -> None:
    packages(False)
    answer = isthmus("study", "demo", "-o", tmp_path / "study", "--on", place)
    assert_refused(answer, f"--on {place} needs the package ", f"`pip install 'isthmus[{place}]'`")
    assert not (tmp_path / "study").exists()


def test_no_slurm_is_told_in_one_sentence(
    packages: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages(True)
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = isthmus("study", "demo", "-o", tmp_path / "study", "--on", "slurm")
    assert_refused(answer, "--on slurm: there is no SLURM here (no `sbatch`); use a login node, or --on here")
    assert not (tmp_path / "study").exists()


def test_a_slurm_that_does_not_answer_is_told_in_one_sentence(
    packages: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    packages(True)
    for name in ("sbatch", "squeue", "scontrol"):
        program(tmp_path / name, "exit 0")
    program(tmp_path / "sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(InputError, match=r"^--on slurm: SLURM: sinfo: .*Unable to contact.*; use a login node"):
        Slurm({}, tmp_path).check()


@pytest.mark.parametrize("address", ["nowhere", "http://x:1", "x:port"])
def test_an_address_that_ray_would_not_understand_is_refused(address: str, packages: Callable[[bool], None]) -> None:
    packages(True)
    with pytest.raises(InputError, match="does not fit: give HOST:PORT"):
        Ray(address, {}).check()


def test_an_address_where_no_ray_answers_is_told_at_once(packages: Callable[[bool], None]) -> None:
    packages(True)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(InputError, match=rf"^--ray 127\.0\.0\.1:{port}: nothing answers there \(.*\); "):
        Ray(f"127.0.0.1:{port}", {}).check()


# What SLURM says


def test_states_of_jobs_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """squeue forgets jobs soon after their end: those are gone."""
    lines = (
        "1|isthmus-a|PENDING",
        "2|isthmus-b|RUNNING",
        "3|x|COMPLETED",
        "4|x|CANCELLED",
        "5|x|TIMEOUT",
        "6|x|FAILED",
    )
    program(tmp_path / "squeue", f"echo x >> {tmp_path}/asked; " + "; ".join(f"echo '{line}'" for line in lines))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    slurm = Slurm({}, tmp_path)
    expected = dict(
        zip("1234567", ("waiting", "running", "done", "cancelled", "stopped", "failed", "gone"), strict=True)
    )
    assert slurm.states(list("1234567")) == expected
    assert (tmp_path / "asked").read_text() == "x\n"
    assert slurm.find(["isthmus-b", "isthmus-c"]) == {"isthmus-b": "2"}


def test_a_job_that_slurm_has_queued_again_itself_is_not_queued_twice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path / "squeue", "echo '1|isthmus-a|PENDING'")
    program(tmp_path / "scontrol", f"touch {tmp_path}/queued")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert Slurm({}, tmp_path).requeue("1", None) == "1"  # pyright: ignore[reportArgumentType]
    assert not (tmp_path / "queued").exists()


def test_a_slurm_that_is_away_for_a_moment_is_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No answer does not mean that there are no jobs: they would be submitted again."""
    monkeypatch.setattr(slurm_queue, "_PAUSE_SECONDS", 0.0)
    program(
        tmp_path / "squeue", f"test -e {tmp_path}/again && echo '1|a|RUNNING' && exit; touch {tmp_path}/again; exit 1"
    )
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert Slurm({}, tmp_path).states(["1"]) == {"1": "running"}
    program(tmp_path / "squeue", "echo 'no controller' >&2; exit 1")
    with pytest.raises(RunError, match=r"^SLURM: squeue: no controller$"):
        Slurm({}, tmp_path).states(["1"])


def test_last_words_are_those_of_the_job() -> None:
    assert (
        last_line("isthmus: a study is missing\nsubmitit INFO - Done\nsrun: error: task 0\n")
        == "isthmus: a study is missing"
    )
    assert last_line("one\n\ntwo\n") == "two"
    assert last_line("") == ""


# On a node

SAVES = """
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(130)
signal.signal(signal.SIGTERM, save)
print("began", flush=True)
time.sleep(60)
"""


def test_a_run_is_asked_to_save(tmp_path: Path) -> None:
    """SLURM's own signal reaches the run's process too, and does not end it."""
    with (tmp_path / "said").open("wb") as said:
        child = Child([sys.executable, "-c", SAVES], environment(), said)
    until_said(tmp_path / "said", "began")
    os.kill(child.process, signal.SIGUSR2)
    child.save()
    assert child.end() == 130
    assert (tmp_path / "said").read_text().split() == ["began", "saved"]


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_run_saves_when_the_scheduler_s_process_dies(tmp_path: Path) -> None:
    """Otherwise the scheduler would start a second one beside it."""
    command = [sys.executable, "-c", SAVES]
    code = f"import os; from isthmus.runs.executors.on_node import Child; Child({command!r}, os.environ).end()"
    with (tmp_path / "said").open("wb") as said:
        scheduler = subprocess.Popen([sys.executable, "-c", code], env=environment(), stdout=said)
    until_said(tmp_path / "said", "began")
    scheduler.kill()
    scheduler.wait()
    until_said(tmp_path / "said", "saved")


@pytest.mark.parametrize(
    ("code", "expected"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_a_job_of_slurm_ends_as_its_run_does(code: str, expected: int) -> None:
    with pytest.raises(SystemExit) as told:
        Task([sys.executable, "-c", code])()
    assert told.value.code == expected


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def until_said(file: Path, word: str) -> None:
    until = time.monotonic() + 60
    while word not in file.read_text():
        assert time.monotonic() < until, file.read_text()
        time.sleep(0.05)
