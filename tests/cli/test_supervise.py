"""Under `ulimit -v` the work has a process of its own: what ends it is told, and every signal reaches it once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.command import environment

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

if sys.argv[1] == "limited":
    resource.setrlimit(resource.RLIMIT_AS, (1 << 36, resource.RLIM_INFINITY))
sys.exit(supervised(work, lambda name, limit: print(name, limit) or 1))
"""


def begun(work: str, limited: str = "limited") -> tuple[subprocess.Popen[str], int, int]:
    """The process, the process id that the work has, and that of the work's parent."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, limited, work],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    its, parent = map(int, process.stdout.readline().split())
    return process, its, parent


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and what was printed after the first line."""
    out, _ = process.communicate(timeout=60)
    return process.returncode, out


def state(process: int) -> str:
    """A letter of /proc: S asleep, T stopped; "" for a process that is gone or ended."""
    try:
        found = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return ""
    return "" if found == "Z" else found


def soon(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
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


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_a_signal_that_lack_of_memory_causes_is_told(name: str) -> None:
    process, _, _ = begun(f"os.kill(os.getpid(), signal.{name})")
    assert ended(process) == (1, f"{name} {1 << 36}\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_any_other_signal_ends_both(number: signal.Signals) -> None:
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
