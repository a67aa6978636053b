"""On this computer: in this process, in several, or in turns on a CUDA device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from isthmus.core.lease import Leases
from isthmus.runs.executors.auto_jobs import Count, Shapes, choose, longest_first, on_cuda
from isthmus.runs.executors.carry_out import carry_out
from isthmus.runs.executors.in_process import InProcess
from isthmus.runs.executors.interfaces import Executor, ExecutorEvent
from isthmus.runs.executors.job import Job
from isthmus.runs.executors.pool import Pool
from isthmus.runs.run import Event
from isthmus.runs.shared_splits import SharedSplits
from isthmus.training.events import Notice


class Here(Executor):
    """Runs jobs as many at a time as is wanted, or as "auto" finds fastest.

    data: the images that this process has read. shapes: variation -> (N, C, H, W), its training images.
    """

    def __init__(self, count: Count, data: SharedSplits, shapes: Shapes, cache: Path) -> None:
        self.count: Count = count
        self.data, self.shapes, self.cache = data, shapes, cache
        self.leases = Leases()

    def run(self, jobs: Sequence[Job]) -> Iterator[ExecutorEvent]:
        count, reason = choose(self.count, jobs, self.shapes)
        if reason is not None:
            yield Notice(reason)
        if count == 1 or on_cuda(jobs):
            yield from InProcess(count, self._start).run(jobs)
        else:
            self.data.forget()
            yield from Pool(count, self.cache).run(longest_first(jobs, self.shapes))

    def _start(self, job: Job) -> Iterator[Event]:
        return carry_out(job, self.data.of, self.cache, self.leases)
