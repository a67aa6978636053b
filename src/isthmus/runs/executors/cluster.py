"""What isthmus asks of a cluster's scheduler: to start a command as a job, and how its jobs stand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from isthmus.runs.executors.job import Job

JobState = Literal["waiting", "running", "done", "failed", "cancelled", "stopped", "gone"]
"""waiting: in the queue. done: its command ended with 0. failed: with another code, or by a signal. cancelled: by the
user. stopped: by the cluster (preempted, out of time, a node that failed): to be queued again. gone: the cluster does
not know it, or not any more."""


@dataclass(frozen=True)
class Placement:
    """One run to place. command: what the node executes, as argv. name: the job's, unique in this cluster.

    log: what the command prints goes there as soon as it sees the study's folder; before that, to its own stdout.
    """

    job: Job
    name: str
    command: tuple[str, ...]
    log: Path


class Cluster(ABC):
    """A scheduler. Resources (partition, time, GPUs, ...) are given to `__init__`, and hold for every job."""

    kind: ClassVar[str]
    """Its name in `--on` and job.json."""
    outlives_command: bool = True
    """Whether jobs go on when the command that placed them has ended."""

    @abstractmethod
    def check(self) -> None:
        """Raise InputError, one sentence with a remedy, where there is no such cluster or package."""

    @abstractmethod
    def find(self, names: Sequence[str]) -> Mapping[str, str]:
        """name -> id of the jobs with these names that the cluster knows: a command may be killed while it submits."""

    @abstractmethod
    def submit(self, placement: Placement) -> str:
        """Queue the job; its id. Raises RunError, with the cluster's reason, where that is refused."""

    @abstractmethod
    def states(self, ids: Sequence[str]) -> Mapping[str, JobState]:
        """id -> how the job stands, for all of these ids, in as few questions to the cluster as possible."""

    @abstractmethod
    def requeue(self, id: str, placement: Placement) -> str:
        """Queue a stopped job again, which goes on from its checkpoint; its id, old or new. Raises as `submit`."""

    @abstractmethod
    def last_words(self, id: str) -> str:
        """The last line that an ended job printed, where the cluster keeps that; it says why a job could not begin."""

    @abstractmethod
    def hints(self, ids: Sequence[str]) -> tuple[str, str]:
        """The shell commands that show these jobs and that cancel them, such as `squeue --jobs 7,8`, `scancel 7 8`."""
