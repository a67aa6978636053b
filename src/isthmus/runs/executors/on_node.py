"""On a node: a run in a child process, which saves and ends when the process of the scheduler asks it to, or dies."""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

INTERRUPTED = 130
_SAVE_SECONDS = 60.0  # to the next safe step, and onto the disk; SLURM gives 90 seconds, see slurm.py
_END_SECONDS = 600.0  # longer than any cluster takes between SIGTERM and SIGKILL
_PR_SET_PDEATHSIG = 1
_CHATTER = ("srun: ", "slurmstepd", "submitit ")  # around what the job itself said


class Child:
    """The process of one run. It does not outlive this process for long.

    output: where its stdout and stderr go; None is this process's.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], output: IO[bytes] | None = None) -> None:
        prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

        def begin() -> None:  # in the child, before the command
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # SLURM sends it to all processes; `save` asks the child
            if prctl is not None:  # SIGTERM when this process dies, so that two never do one run
                prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=begin,
        )

    @property
    def process(self) -> int:
        return self._process.pid

    def end(self) -> int:
        """Wait; its exit code, negative if a signal ended it."""
        while (code := self._process.poll()) is None:  # a signal's handler may call `save` in between
            time.sleep(0.2)
        return code

    def save(self) -> None:
        """Let it save and end; after _SAVE_SECONDS it ends without."""
        self._process.terminate()
        try:
            self._process.wait(_SAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


class Task:
    """What a job of SLURM calls: a run that `submitit` queues again when it is preempted or out of time."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self._child: Child | None = None

    def __call__(self) -> None:
        # of the job, not of the node: more threads than cores wait for each other
        threads = {"OMP_NUM_THREADS": os.environ.get("SLURM_CPUS_ON_NODE", "1")}
        self._child = Child(self.command, {**threads, **os.environ})
        code = self._child.end()
        if code == INTERRUPTED:  # SLURM sent SIGTERM to all, and decides about the job: cancelled, or queued again
            time.sleep(_END_SECONDS)
        if code:
            sys.exit(code if code > 0 else 128 - code)

    def checkpoint(self) -> object:
        """Called by submitit at the signal that comes before the end; what it queues again."""
        submitit: Any = importlib.import_module("submitit.helpers")  # an optional extra: types cannot rely on it
        if self._child is not None:
            self._child.save()
        return submitit.DelayedSubmission(Task(self.command))


def last_line(said: str) -> str:
    """The last line of output that tells something; isthmus's own if there is one."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(_CHATTER)]
    return next((line for line in reversed(lines) if line.startswith("isthmus: ")), lines[-1] if lines else "")
