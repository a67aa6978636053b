"""failed.json: kept in a study's run that failed, until the run is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

from isthmus.core.errors import RunError
from isthmus.core.lease import held_by
from isthmus.run_files.failed import Failure
from isthmus.run_files.read import read_record
from isthmus.run_files.write import write_record
from isthmus.runs.executors.job import Job, RunFailed

Event = TypeVar("Event")
_NAME = "failed.json"


def forget_failure(job: Job) -> None:
    """Remove it: the run is tried again."""
    with suppress(OSError):  # such as a folder in its place: the findings say so, and the other runs go on
        (job.folder / _NAME).unlink(missing_ok=True)


def keep_failure(failed: RunFailed) -> None:
    """Write it, as far as the disk allows."""
    with suppress(OSError):
        failed.job.folder.mkdir(parents=True, exist_ok=True)  # the run may have failed before its folder existed
        write_record(failed.job.folder / _NAME, Failure(error=failed.sentence, traceback=failed.traceback))


def kept(events: Iterator[Event]) -> Iterator[Event]:
    """Keep each failure before passing on its event; not in a run that another process has begun anew."""
    for event in events:
        if isinstance(event, RunFailed) and held_by(event.job.folder) is None:
            keep_failure(event)
        yield event


def failure_of(job: Job) -> Failure | None:
    """Why the run failed, if it says so."""
    with suppress(RunError):
        return read_record(job.folder / _NAME, Failure)
    return None
