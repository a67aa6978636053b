"""A run of a study and its job on a cluster: submitted once, looked at, queued again, told."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from isthmus.core.lease import held_by
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.job import JOB_FILE, LOG_FILE, JobRecord
from isthmus.run_files.read import holds, read_record
from isthmus.run_files.write import write_record
from isthmus.runs.executors.cluster import Cluster, JobState, Placement
from isthmus.runs.executors.failures import failure_of, forget_failure, keep_failure
from isthmus.runs.executors.interfaces import ExecutorEvent
from isthmus.runs.executors.job import Job, RunBegins, RunEvent, RunFailed
from isthmus.runs.executors.order import command_for
from isthmus.runs.run import Done
from isthmus.runs.run_folder import is_finished
from isthmus.training.events import Notice

PATIENCE_SECONDS = 60.0  # until what a node wrote is surely seen here: file systems keep listings in memory
_MOST_STOPS = 50  # a job that the cluster stops so often gets nowhere
_MOST_DEATHS = 3  # one that dies so often without a word, as where memory runs out, would die again


class PlacedRun:
    """A run and its job."""

    def __init__(self, cluster: Cluster, study: Path, job: Job, *, patience_seconds: float) -> None:
        self.cluster, self.study, self.job, self.patience_seconds = cluster, study, job, patience_seconds
        self.path = job.folder / JOB_FILE
        self.state: JobState = "waiting"
        self.begun = self.ended = False
        self.unclear_since: float | None = None
        held = read_record(self.path, JobRecord) if holds(self.path, JobRecord) else None
        ours = held is not None and held.executor == cluster.kind and not held.told
        ours = ours and cluster.outlives_command  # else its jobs ended with the command before
        self.record = held if held is not None and ours else JobRecord(executor=cluster.kind, name="")

    def place(self, known: str) -> None:
        """Submit the run, unless it is; known: the id of a job that was submitted and not written down."""
        if self.record.id:
            return
        if not known:
            forget_failure(self.job)  # of an earlier try
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self._keep(name=self.record.name or f"isthmus-{secrets.token_hex(6)}", submitted=now)
        self._keep(id=known or self.cluster.submit(self._placement()))

    def look(self, state: JobState) -> Iterator[ExecutorEvent]:
        """What is to tell of the job in this state; `ended` is then set if there will be no more."""
        self.state = state
        if not self.begun and state not in ("waiting", "gone"):
            yield from self._begin()
        if state in ("waiting", "running"):
            self.unclear_since = None
        if (self.job.folder / "evaluation.json").is_file() and is_finished(self.job.folder):
            yield from self._begin()
            self.ended = True
            evaluation = read_record(self.job.folder / "evaluation.json", EvaluationRecord)
            yield RunEvent(self.job, Done(self.job.folder, evaluation))
        elif state == "stopped" and self.record.again < _MOST_STOPS:
            self._keep(id=self.cluster.requeue(self.record.id, self._placement()), again=self.record.again + 1)
        elif state not in ("waiting", "running"):
            yield from self._look_at_ended(state)

    def _look_at_ended(self, state: JobState) -> Iterator[ExecutorEvent]:
        """The job has ended, and the run is not finished, or its files are not seen here yet."""
        job = f"its job {self.record.id} of {self.cluster.kind}"
        if held_by(self.job.folder) is not None:  # by another process, such as `isthmus work`: it will finish it
            self.unclear_since = None
        elif failure_of(self.job) is not None or state in ("cancelled", "stopped"):
            yield from self._failed(f"{job} was {'stopped too often' if state == 'stopped' else 'cancelled'}")
        elif not self._is_long_unclear():
            pass
        elif self.record.again < _MOST_DEATHS:
            what = "is not known there any more" if state == "gone" else "ended without a word"
            yield Notice(f"{self.job.folder}: {job} {what}; submitted again.")
            self.unclear_since = None
            self._keep(id=self.cluster.submit(self._placement()), again=self.record.again + 1)
        else:
            words = self.cluster.last_words(self.record.id)
            yield from self._failed(f"{job} ended before the run was done{f' ({words})' if words else ''}")

    def _begin(self) -> Iterator[ExecutorEvent]:
        if not self.begun:
            self.begun = True
            yield RunBegins(self.job)

    def _is_long_unclear(self) -> bool:
        self.unclear_since = self.unclear_since or time.monotonic()
        return time.monotonic() - self.unclear_since > self.patience_seconds

    def _failed(self, otherwise: str) -> Iterator[ExecutorEvent]:
        """otherwise: what is said of a run that left no failed.json."""
        yield from self._begin()
        self.ended = True
        held = failure_of(self.job)
        sentence = otherwise if held is None else held.error
        if LOG_FILE not in sentence:
            sentence = f"{sentence.rstrip('.')}; its log is {self.job.folder / LOG_FILE}"
        failure = RunFailed(self.job, sentence, "" if held is None else held.traceback)
        keep_failure(failure)
        self._keep(told=True)
        yield failure

    def _keep(self, **changes: object) -> None:
        self.record = self.record.model_copy(update=changes)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_record(self.path, self.record)

    def _placement(self) -> Placement:
        return Placement(self.job, self.record.name, command_for(self.job, self.study), self.job.folder / LOG_FILE)
