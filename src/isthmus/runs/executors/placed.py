"""Runs as jobs of a cluster: submitted once, watched, queued again where the cluster stopped them.

The command and the jobs talk through the study's folder alone. So the command may be left, and called again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from isthmus.core.errors import Interrupted
from isthmus.core.wording import counted
from isthmus.runs.executors.cluster import Cluster
from isthmus.runs.executors.interfaces import Executor, ExecutorEvent
from isthmus.runs.executors.job import Job
from isthmus.runs.executors.placed_run import PATIENCE_SECONDS, PlacedRun
from isthmus.training.events import Notice
from isthmus.training.interrupts import interrupts

POLL_SECONDS = 5.0


class Placed(Executor):
    """Runs of the study at `study` on a cluster."""

    def __init__(
        self,
        cluster: Cluster,
        study: Path,
        *,
        poll_seconds: float = POLL_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.cluster, self.study = cluster, study
        self.poll_seconds, self.patience_seconds = poll_seconds, patience_seconds

    def run(self, jobs: Sequence[Job]) -> Iterator[ExecutorEvent]:
        self.cluster.check()
        said = ""
        with interrupts() as asked:
            watched = self._place(jobs)
            while watched:
                states = self.cluster.states([one.record.id for one in watched])
                for one in tuple(watched):
                    yield from one.look(states.get(one.record.id, "gone"))
                    if one.ended:
                        watched.remove(one)
                if watched and said != (said := self._how_all_stand(watched, len(jobs))):
                    yield Notice(said)
                until = time.monotonic() + self.poll_seconds
                while watched and time.monotonic() < until:
                    if asked.is_set():
                        raise Interrupted(self._left(watched))
                    time.sleep(min(0.2, self.poll_seconds))

    def _place(self, jobs: Sequence[Job]) -> list[PlacedRun]:
        """Submit every run that is not submitted yet."""
        patience = self.patience_seconds
        watched = [PlacedRun(self.cluster, self.study, job, patience_seconds=patience) for job in jobs]
        unsure = [one for one in watched if one.record.name and not one.record.id]
        known = self.cluster.find([one.record.name for one in unsure]) if unsure else {}
        for one in watched:
            one.place(known.get(one.record.name, ""))
        return watched

    def _how_all_stand(self, watched: Sequence[PlacedRun], total: int) -> str:
        """Such as `slurm: of 6 runs, 2 running, 3 waiting, 1 ended.`"""
        count = Counter("running" if one.state == "running" else "waiting" for one in watched)
        told = [f"{count[state]} {state}" for state in ("running", "waiting") if count[state]]
        ended = [f"{total - len(watched)} ended"] if total > len(watched) else []
        return f"{self.cluster.kind}: of {counted(total, 'run')}, {', '.join([*told, *ended])}."

    def _left(self, watched: Sequence[PlacedRun]) -> str:
        if not self.cluster.outlives_command:
            return f"{self.cluster.kind} ends with this command; the same command goes on from what the runs saved"
        look, cancel = self.cluster.hints([one.record.id for one in watched])
        what = f"{counted(len(watched), 'job')} of {self.cluster.kind} {'goes' if len(watched) == 1 else 'go'} on"
        same = "the same command shows how they stand and gathers results"
        return f"{what}; {same}; `{look}` shows them, `{cancel}` ends them"
