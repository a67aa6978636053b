"""job.json of a study's run: the job of a cluster that does it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from isthmus.run_files.record import Count, FileRecord, Flag

JOB_FILE = "job.json"
LOG_FILE = "job.log"  # beside it: what the job prints
_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{0,200}$")]  # it becomes an argument of the cluster's commands


class JobRecord(FileRecord):
    """job.json: the job of a cluster that does this run. It is there for runs that were placed with `--on`."""

    executor: _Word
    """Where it was placed: `slurm` or `ray`."""
    name: _Word
    """The job's name there. It is chosen, and written here, before the job is submitted."""
    id: _Word = ""
    """The job's number there; empty until the job is known to be submitted."""
    submitted: str = ""
    """When it was submitted first (UTC)."""
    again: Count = 0
    """How often it was submitted or queued again."""
    told: Flag = False
    """Whether its failure was told. The next command then tries the run again."""
