"""One run of a study as a piece of work, and what is said about it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError, RunError, out_of_memory
from isthmus.recipes.recipe import Recipe
from isthmus.runs.run import Event


@dataclass(frozen=True)
class Job:
    """Run `number` of a study's `total`, to be made in `folder`."""

    variation: str
    seed: int
    number: int
    total: int
    recipe: Recipe
    folder: Path


@dataclass(frozen=True)
class RunBegins:
    """Yielded before the first event of a job."""

    job: Job


@dataclass(frozen=True)
class RunEvent:
    """Yielded for what happens in a job; events of jobs that run at the same time are mixed."""

    job: Job
    event: Event


@dataclass(frozen=True)
class RunFailed:
    """Yielded where a job could not finish; the others go on."""

    job: Job
    sentence: str
    traceback: str


def failed(job: Job, error: Exception) -> RunFailed:
    """What to say of a job that `error` ended; to be called where the error is caught."""
    expected = isinstance(error, InputError | RunError | OSError)
    sentence = str(error) if expected else out_of_memory(error) or f"{type(error).__name__}: {error}"
    return RunFailed(job, sentence, traceback.format_exc())
