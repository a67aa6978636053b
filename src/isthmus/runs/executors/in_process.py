"""Jobs in this process: one after another, or in turns on a CUDA device, each on its own stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch

from isthmus.runs.executors.failures import kept
from isthmus.runs.executors.interfaces import Executor, JobEvent
from isthmus.runs.executors.job import Job, RunBegins, RunEvent, failed
from isthmus.runs.run import Event
from isthmus.training.devices import choose_device

Start = Callable[[Job], Iterator[Event]]


class _Lane:
    """A running job; it launches all work on its own CUDA stream, so that lanes run at the same time."""

    def __init__(self, job: Job, start: Start) -> None:
        self.job = job
        self.stream: AbstractContextManager[object] = nullcontext()
        device = choose_device(job.recipe.train.device)
        if device.type == "cuda":
            self.stream = torch.cuda.stream(torch.cuda.Stream(device))
        self.events = start(job)

    def advance(self) -> Event | None:
        """The job's next event; None if the job has ended."""
        with self.stream:
            return next(self.events, None)


class InProcess(Executor):
    """Runs `count` jobs at a time in this process, in their order; no job's results depend on the others.

    A step only queues work on the device and does not wait: while the host launches one lane's step, the device
    computes the other lanes' steps. On the CPU lanes take turns, which gains nothing. Ctrl-C lets every lane save
    and stop, then raises KeyboardInterrupt.
    """

    def __init__(self, count: int, start: Start) -> None:
        self.count, self.start = count, start

    def run(self, jobs: Sequence[Job]) -> Iterator[JobEvent]:
        return kept(self._run(jobs))

    def _run(self, jobs: Sequence[Job]) -> Iterator[JobEvent]:
        waiting = deque(jobs)
        lanes: list[_Lane] = []
        stopping = False
        while waiting or lanes:
            while waiting and len(lanes) < self.count:
                job = waiting.popleft()
                yield RunBegins(job)
                try:
                    lanes.append(_Lane(job, self.start))
                except Exception as error:  # no error of one run may stop the others
                    yield failed(job, error)
            for lane in tuple(lanes):
                try:
                    event = lane.advance()
                except KeyboardInterrupt:
                    stopping = True
                    waiting.clear()
                    event = None
                except Exception as error:
                    lanes.remove(lane)
                    yield failed(lane.job, error)
                    continue
                if event is None:
                    lanes.remove(lane)
                else:
                    yield RunEvent(lane.job, event)
        if stopping:
            raise KeyboardInterrupt
