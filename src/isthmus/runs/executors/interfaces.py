"""What an executor of a study's runs must have, and what it tells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from isthmus.runs.executors.job import Job, RunBegins, RunElsewhere, RunEvent, RunFailed
from isthmus.training.events import Notice

JobEvent = RunBegins | RunEvent | RunFailed | RunElsewhere
ExecutorEvent = JobEvent | Notice


class Executor(ABC):
    """Carries out the runs of one study: in this process, in others, or on a cluster.

    A run's results are in its folder, never in an event: whoever looks into the folder later learns the same.
    """

    @abstractmethod
    def run(self, jobs: Sequence[Job]) -> Iterator[ExecutorEvent]:
        """Carry out the jobs; the iterator ends when none is left to wait for.

        Of each job come: a `RunBegins`, any number of events, and last a `RunEvent` with `Done`, a `RunFailed`, or a
        `RunElsewhere`, which may come alone. A failure is in failed.json of the run's folder when its event comes, and
        does not affect the other jobs. Raises KeyboardInterrupt after Ctrl-C, once all is saved or left in order.
        """
