"""Jobs at the same time, each in its own process, which starts as soon as enough threads are free."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from isthmus.core.errors import InputError
from isthmus.run_files.environment import Environment
from isthmus.run_files.read import holds, read_record
from isthmus.runs.executors.failures import kept
from isthmus.runs.executors.interfaces import Executor, JobEvent
from isthmus.runs.executors.job import Job, RunBegins, RunElsewhere, RunEvent, RunFailed
from isthmus.runs.executors.order import JobOrder
from isthmus.runs.executors.process import Process, with_news
from isthmus.runs.run_folder import is_begun, read_recipe
from isthmus.training.interrupts import interrupts


class Pool(Executor):
    """Runs `count` jobs at a time on the CPU, in their order, each with an equal share of this process's threads.

    An unfinished run resumes with the number of threads it began with; if that is more than a share, fewer jobs run
    at the same time. Every process loads torch and its data set: `count` times the memory of one process.
    The first Ctrl-C lets every run save and stop, then raises KeyboardInterrupt; a second one kills the processes.
    """

    def __init__(self, count: int, cache: Path) -> None:
        self.count, self.cache = count, cache

    def run(self, jobs: Sequence[Job]) -> Iterator[JobEvent]:
        return kept(self._run(jobs))

    def _run(self, jobs: Sequence[Job]) -> Iterator[JobEvent]:
        share = share_of_threads(self.count)
        free = share * self.count
        waiting = deque(_with_its_threads(job, share) for job in jobs)
        running: dict[Process, int] = {}
        stopping = False
        with interrupts() as asked:
            try:
                while waiting or running:
                    if asked.is_set() and not stopping:
                        stopping = True
                        waiting.clear()
                        for process in running:
                            process.interrupt()
                    # count at least a share, so that at most `count` jobs run, and at most all threads
                    while waiting and (taken := min(max(waiting[0][1], share), share * self.count)) <= free:
                        job, threads = waiting.popleft()
                        yield RunBegins(job)
                        running[Process(JobOrder(job, self.cache, tuple(sys.argv)), threads)] = taken
                        free -= taken
                    for process in with_news(running):
                        message = process.receive()
                        if message is not None:
                            yield (
                                message
                                if isinstance(message, RunFailed | RunElsewhere)
                                else RunEvent(process.job, message)
                            )
                            continue
                        failure = process.end()
                        free += running.pop(process)
                        if failure is not None and not stopping:
                            yield failure
            finally:
                for process in running:
                    process.kill()
        if asked.is_set():
            raise KeyboardInterrupt


def share_of_threads(count: int) -> int:
    """The threads of each of `count` jobs; depends on `count` and the machine, not on how many runs are missing.

    So the same command gives the same bits, whether or not the study was interrupted.
    """
    return max(1, torch.get_num_threads() // count)


def _with_its_threads(job: Job, share: int) -> tuple[Job, int]:
    """The job with the `train.threads` of its run, and the number of threads for its process."""
    if not is_begun(job.folder):
        threads = job.recipe.train.threads or share
        return replace(job, recipe=job.recipe.with_threads(threads)), threads
    try:
        recorded = read_recipe(job.folder).train.threads
    except InputError:  # a damaged run: it fails alone, and says why
        return job, share
    environment = job.folder / "environment.json"
    threads = recorded or share
    if not recorded and holds(environment, Environment):
        threads = read_record(environment, Environment).threads or share
    return replace(job, recipe=job.recipe.with_threads(recorded)), threads
