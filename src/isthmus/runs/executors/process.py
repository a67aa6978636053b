"""A worker seen from the process that started it: told what to do, listened to, stopped, never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from multiprocessing.connection import Pipe, wait

from isthmus.runs.executors.job import RunFailed
from isthmus.runs.executors.order import JobOrder
from isthmus.runs.run import Done, Event

LISTEN_SECONDS = 0.2  # so long may Ctrl-C or a deadline go unnoticed


class Process:
    """A child process at work on one order, with `threads` CPU threads; `end` or `kill` it when done."""

    def __init__(self, order: JobOrder, threads: int) -> None:
        self.job = order.job
        self.spoke = False
        self.finished = False
        self.pipe, theirs = Pipe()
        with theirs:
            self.child = subprocess.Popen(
                [sys.executable, "-P", "-m", "isthmus.runs.executors.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment(threads),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # ours is for data; events come through the pipe
                process_group=0,  # a terminal's Ctrl-C reaches us alone, and we pass it on once
            )
        with contextlib.suppress(OSError):  # dead already, which whoever listens finds out
            self.pipe.send(order)

    def receive(self) -> Event | RunFailed | None:
        """Wait for its next message; None where no more will come."""
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            return None
        self.spoke = True
        self.finished = isinstance(message, Done | RunFailed)
        return message

    def go_on(self) -> None:
        """Let a trial take its second step, which waits for it."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)

    def interrupt(self) -> None:
        """Ask it to save and stop. Before it spoke it has nothing to save and does not listen yet."""
        self.child.send_signal(signal.SIGINT if self.spoke else signal.SIGKILL)

    def end(self) -> RunFailed | None:
        """Wait until it ends; what to say where it did so without having finished."""
        self.pipe.close()
        code = self.child.wait()
        return None if self.finished else RunFailed(self.job, _last_words(code), traceback="")

    def kill(self) -> None:
        self.child.kill()
        self.end()


def with_news(processes: Iterable[Process]) -> list[Process]:
    """Those that have something to say or have ended, waiting a moment for one of them."""
    ready = wait([process.pipe for process in processes], timeout=LISTEN_SECONDS)
    return [process for process in processes if process.pipe in ready]


def environment(threads: int) -> dict[str, str]:
    """Ours, with the modules that we find, and a number of threads.

    The number must be there before torch is loaded: more threads than cores wait for each other by spinning,
    which was measured to be 50 times slower.
    """
    modules = os.pathsep.join(folder or os.getcwd() for folder in sys.path)
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": modules}


def _last_words(code: int) -> str:
    if code < 0:
        return (
            f"its process was killed ({signal.Signals(-code).name}), as happens where the memory does not suffice; "
            "run the study again, with fewer --jobs if that was it"
        )
    if code == 130:
        return "its process was interrupted; run the study again to go on"
    return f"its process ended with exit code {code}; what it wrote on stderr says why"
