"""One run of a study as a job, and the events about it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import AtWorkElsewhere
from isthmus.core.explain import explain
from isthmus.recipes.recipe import Recipe
from isthmus.runs.run import Event


@dataclass(frozen=True)
class Job:
    """Run `number` of `total` runs of a study; its results go to `folder`. keep_optimizer: see `run`."""

    variation: str
    seed: int
    number: int
    total: int
    recipe: Recipe
    folder: Path
    keep_optimizer: bool = False


@dataclass(frozen=True)
class RunBegins:
    """Yielded before the first event of a job."""

    job: Job


@dataclass(frozen=True)
class RunEvent:
    """Yielded for each event of a job; events of simultaneous jobs are mixed."""

    job: Job
    event: Event


@dataclass(frozen=True)
class RunFailed:
    """Yielded if a job failed; the others continue."""

    job: Job
    sentence: str
    traceback: str


@dataclass(frozen=True)
class RunElsewhere:
    """Yielded if another process holds the run, or took it over; `sentence` says which."""

    job: Job
    sentence: str


def failed(job: Job, error: Exception) -> RunFailed | RunElsewhere:
    """The event for a job that ended with `error`; call it inside the `except` block."""
    if isinstance(error, AtWorkElsewhere):
        return RunElsewhere(job, str(error))
    explained = explain(error, "run the study again")
    sentence = explained[0] if explained else f"{type(error).__name__}: {error}"
    return RunFailed(job, sentence, traceback.format_exc())
