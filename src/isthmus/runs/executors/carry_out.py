"""One run of a study, done by one process at a time, wherever that is: on this computer or on others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from isthmus.core.lease import Leases
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.runs.executors.failures import forget_failure
from isthmus.runs.executors.job import Job
from isthmus.runs.leased import hold
from isthmus.runs.run import Event, run


def carry_out(job: Job, load: Callable[[Recipe], Splits], cache: Path, leases: Leases) -> Iterator[Event]:
    """`run`, under the run's lease. How it failed before is forgotten once it is held.

    leases: what this process knows of the leases of others. A run whose holder shows no sign of life is taken over
    after the lease. Raises HeldElsewhere where its holder lives, LostLease where this process stood still too long.
    """
    with ExitStack() as until:
        yield from hold(leases, job.folder, until)
        forget_failure(job)
        yield from run(job.recipe, job.folder, load(job.recipe), cache, keep_optimizer=job.keep_optimizer)
