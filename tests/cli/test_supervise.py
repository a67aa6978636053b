"""Under `ulimit -v` the work has a process of its own: what ends it is told, and every signal reaches it once."""

from __future__ import annotations

import fcntl
import os
import pty
import resource
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.command import TINY, environment, isthmus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory, and /proc")

# the work says that it has begun, and what it hears
PROGRAM = """
import os, resource, signal, sys, time
from isthmus.cli.supervise import supervised

def hear(number, frame):
    print("heard", number, flush=True)

def work():
    signal.signal(signal.SIGTERM, hear)
    print(os.getpid(), os.getppid(), flush=True)
    exec(sys.argv[2])
    return 7

if sys.argv[1] == "unheard":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if sys.argv[1] != "free":
    resource.setrlimit(resource.RLIMIT_AS, (1 << 36, resource.RLIM_INFINITY))
sys.exit(supervised(work, lambda name: print(name) or 1))
"""


def begun(work: str, limited: str = "limited", *, job: bool = True) -> tuple[subprocess.Popen[str], int, int]:
    """The process, the process id that the work has, and that of the work's parent.

    job: the process is one that a shell could stop and continue.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, limited, work],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        process_group=0 if job else None,
        start_new_session=not job,
    )
    assert process.stdout is not None
    its, parent = map(int, process.stdout.readline().split())
    return process, its, parent


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and what was printed after the first line."""
    assert process.stdout is not None
    with process.stdout as stream:  # not communicate(), which would miss what readline() read ahead
        out = stream.read()
    return process.wait(60), out


def state(process: int) -> str:
    """A letter of /proc: S asleep, T stopped; "" for a process that is gone or ended."""
    try:
        found = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""
    return "" if found == "Z" else found


def soon(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_without_a_limit_there_is_no_second_process() -> None:
    process, its, _ = begun("", limited="free")
    assert its == process.pid
    assert ended(process)[0] == 7


def test_the_exit_code_is_the_works() -> None:
    process, its, parent = begun("")
    assert parent == process.pid != its
    assert ended(process)[0] == 7


def test_its_end_is_seen_where_such_signals_are_ignored() -> None:
    process, _, _ = begun("", limited="unheard")
    assert ended(process)[0] == 7


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_a_signal_that_lack_of_memory_causes_is_told(name: str) -> None:
    process, _, _ = begun(f"os.kill(os.getpid(), signal.{name})")
    assert ended(process) == (1, f"{name}\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGRTMIN + 3])
def test_any_other_signal_ends_both(number: int) -> None:
    process, _, _ = begun(f"signal.signal(15, signal.SIG_DFL); os.kill(os.getpid(), {int(number)})")
    assert ended(process)[0] == -number


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_the_work_hears_a_signal_once(send: Callable[[int, int], None]) -> None:
    process, _, _ = begun("time.sleep(1)")
    send(process.pid, signal.SIGTERM)
    assert ended(process) == (7, f"heard {int(signal.SIGTERM)}\n")


def test_the_work_ends_when_its_parent_is_killed() -> None:
    process, its, _ = begun("time.sleep(60)")
    process.kill()
    assert ended(process)[0] == -signal.SIGKILL
    soon(lambda: not state(its))


def test_stopping_and_going_on_are_for_both() -> None:
    process, its, _ = begun("time.sleep(1)")
    process.send_signal(signal.SIGTSTP)
    soon(lambda: state(its) == state(process.pid) == "T")
    process.send_signal(signal.SIGCONT)
    assert ended(process)[0] == 7


def test_without_a_shell_that_could_continue_it_nothing_stops() -> None:
    process, _, _ = begun("time.sleep(1)", job=False)
    process.send_signal(signal.SIGTSTP)
    assert ended(process)[0] == 7


def test_a_training_that_crashes_is_told_and_goes_on(tmp_path: Path) -> None:
    longer = ["train.epochs=9999" if word.startswith("train.epochs") else word for word in TINY]
    longer += ["train.patience_epochs=9999", "train.seconds=2"]
    words = ["train", "post/latent-10", *longer, "-q", "-o", str(tmp_path / "run")]
    process = subprocess.Popen(
        [sys.executable, "-m", "isthmus", *words],
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 36, resource.RLIM_INFINITY)),
        stderr=subprocess.PIPE,
        text=True,
    )
    soon(lambda: (tmp_path / "run" / "checkpoints" / "last").is_dir() or process.poll() is not None)
    assert process.poll() is None, process.communicate()[1]
    (its,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(its), signal.SIGSEGV)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith("isthmus: PyTorch or another library crashed (SIGSEGV), ")
    assert "raise `ulimit -v` (now 68.7 GB), and `isthmus train" in said
    assert " --resume` goes on" in said
    assert isthmus(*words, "--resume").code == 0


def test_a_terminal_that_stops_what_prints_behind_does_not_stop_the_work() -> None:
    """`stty tostop`: the work's group is not the one in front."""
    ours, its = pty.openpty()
    flags = termios.tcgetattr(its)
    flags[3] |= termios.TOSTOP
    termios.tcsetattr(its, termios.TCSANOW, flags)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "limited", "print('worked', file=sys.stdout, flush=True)"],
        env=environment(),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    try:
        assert process.wait(60) == 7
        assert b"worked" in os.read(ours, 1000)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(its)
