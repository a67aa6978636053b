"""SLURM's own commands: what they answer, in isthmus's words."""

from __future__ import annotations

import os
import subprocess
import time

from isthmus.core.errors import RunError
from isthmus.runs.executors.cluster import JobState
from isthmus.runs.executors.on_node import last_line

_PATIENCE, _PAUSE_SECONDS = 5, 5.0  # a controller restarts, or is busy
_STATES: dict[JobState, tuple[str, ...]] = {
    "waiting": ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "SUSPENDED"),
    "running": ("RUNNING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED"),
    "done": ("COMPLETED",),
    "failed": ("FAILED", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"),
    "cancelled": ("CANCELLED",),
    "stopped": ("PREEMPTED", "TIMEOUT", "NODE_FAIL"),
}
_MEANING: dict[str, JobState] = {name: state for state, names in _STATES.items() for name in names}


def queue() -> list[tuple[str, str, JobState]]:
    """(id, name, state) of this user's jobs, also of those that ended in the last minutes.

    Raises RunError where SLURM does not answer.
    """
    words = ("squeue", "--noheader", "--states=all", f"--user={os.getuid()}", "--format=%i|%j|%T")
    fields = [line.strip().split("|") for line in ask(*words, patience=_PATIENCE).splitlines()]
    return [(each[0], each[1], _MEANING.get(each[2], "gone")) for each in fields if len(each) == 3]


def ask(*words: str, patience: int = 0) -> str:
    """What a command prints. Raises RunError with its last line if it fails, and again `patience` times more."""
    try:
        done = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace", timeout=60)
        if not done.returncode:
            return done.stdout
        said = last_line(done.stderr) or f"failed with exit code {done.returncode}"
    except subprocess.TimeoutExpired:
        said = "gave no answer within a minute"
    if not patience:
        raise RunError(f"SLURM: {words[0]}: {said}")
    time.sleep(_PAUSE_SECONDS)
    return ask(*words, patience=patience - 1)
