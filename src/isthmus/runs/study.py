"""Studies: variations x seeds, each trained once, and their comparison."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import Faults, InputError
from isthmus.core.lease import Leases, held_by
from isthmus.data.given_images import GivenImages, keep, named_as_given
from isthmus.recipes.study_plan import Plan
from isthmus.run_files.findings import Findings
from isthmus.run_files.write import write_record
from isthmus.runs.check_study import check_folder, check_plan
from isthmus.runs.claim import locked, refuse_locked
from isthmus.runs.executors.auto_jobs import Count
from isthmus.runs.executors.failures import forget_failure
from isthmus.runs.executors.here import Here
from isthmus.runs.executors.in_process import InProcess
from isthmus.runs.executors.interfaces import Executor, ExecutorEvent
from isthmus.runs.executors.job import Job, RunEvent
from isthmus.runs.findings import findings
from isthmus.runs.folder_log import logged
from isthmus.runs.leased import hold
from isthmus.runs.optimizer_state import settle_later
from isthmus.runs.run import Done, Event, show
from isthmus.runs.run_folder import is_finished
from isthmus.runs.same_version import keep_version
from isthmus.runs.shared_splits import SharedSplits
from isthmus.runs.study_file import write_plan
from isthmus.runs.study_jobs import study_jobs
from isthmus.runs.time_budget import cuts, decide, decided, idle_budget, shortened
from isthmus.training.events import Notice


@dataclass(frozen=True)
class FinishedRead:
    """Yielded before the first training, if runs were finished before: findings.json holds what they say."""

    total: int
    """Number of runs of the study."""


@dataclass(frozen=True)
class StudyDone:
    """Yielded last."""

    folder: Path
    findings: Findings


StudyEvent = ExecutorEvent | FinishedRead | StudyDone


def study(
    plan: Plan,
    folder: Path,
    cache: Path,
    *,
    command: str,
    jobs: Count = 1,
    on: Executor | None = None,
    images: GivenImages | None = None,
    keep_optimizer: bool = False,
) -> Iterator[StudyEvent]:
    """Run the missing runs of a study in `folder`, then compare.

    jobs: number of runs at the same time. With 1 they run in this process, one after another. With more, each has
        its own process and an equal share of the CPU threads; on a CUDA device they take turns in this process,
        each on its own stream. "auto" measures on the CPU which number is fastest.
    on: who carries the runs out instead, such as a cluster.
    images: those that were given in Python, to keep in the folder and to train on.
    keep_optimizer: keep what only serves to go on with a run whose training has ended.
    A failed run is named in the findings and does not affect the others. Raises InputError for a mistake in the
    plan or the data, before any training; RunError where another command is at work on the study.
    """
    if jobs != "auto" and jobs < 1:
        raise InputError(f"jobs: {jobs!r} does not fit: it is a whole number from 1, or auto")
    with ExitStack() as until:
        if images is None:
            yield from _study(plan, folder, cache, command, jobs, on, keep_optimizer, until)
            return
        check_folder(plan, folder)
        yield from _hold(folder, until)  # before writing: another process may be training on the present file
        keep(images, folder, begun=(folder / "study.toml").exists())
        with named_as_given(folder / images.name):
            yield from _study(plan, folder, cache, command, jobs, on, keep_optimizer, None)


def _hold(folder: Path, until: ExitStack) -> Iterator[Notice]:
    """Hold the study until the stack is closed: two commands on it would write each other's findings."""
    refuse_locked(folder)
    yield from hold(Leases(), folder, until)
    until.enter_context(locked(folder))


def _study(
    plan: Plan,
    folder: Path,
    cache: Path,
    command: str,
    jobs: Count,
    on: Executor | None,
    keep_optimizer: bool,
    until: ExitStack | None,
) -> Iterator[StudyEvent]:
    """until: None where the study is held already."""
    data = SharedSplits()
    whole, decision = plan, decided(folder)
    plan = shortened(whole, decision)
    shapes, said = check_plan(plan, folder, data)

    def read(job: Job) -> Iterator[Event]:
        forget_failure(job)
        return show(job.recipe, job.folder, data.of(job.recipe))

    if until is not None:
        yield from _hold(folder, until)
    write_plan(whole, folder)
    if decision is None and (decision := decide(whole, shapes, folder)) is not None:
        plan = shortened(whole, decision)
    if (idle := idle_budget(whole, decision, folder)) is not None:
        yield Notice(idle)
    remarks = cuts(decision)
    for sentence in remarks:
        yield Notice(sentence)
    all_jobs = study_jobs(plan, folder, keep_optimizer)

    def find(*, ended: bool = False) -> Findings:
        found = findings(plan, folder, command=command, remarks=remarks, test_hashes=data.test_hashes, ended=ended)
        write_record(folder / "findings.json", found)
        return found

    missing = [job for job in all_jobs if not is_finished(job.folder)]
    finished = [job for job in all_jobs if job not in missing]
    for sentence in said if missing else ():
        yield Notice(sentence)
    yield from InProcess(1, read).run(finished)
    for sentence in _settled(finished):
        yield Notice(f"{sentence}.")
    if missing and (finished or os.path.lexists(folder / "findings.json")):  # of a study without the missing runs
        find()
    if missing and finished:
        yield FinishedRead(len(all_jobs))
    with logged(folder, "study") if missing else nullcontext():
        if missing:
            keep_version(folder)
            executor = Here(jobs, data, shapes, cache) if on is None else on
            yield from _growing(executor.run(missing), find)
        found = find(ended=True)
    yield StudyDone(folder, found)


def _settled(finished: Sequence[Job]) -> list[str]:
    """Settle what finished runs keep of their optimizers; returns what there is to say, once for all runs alike."""
    said = Faults()
    for job in finished:
        if held_by(job.folder) is None and (sentence := settle_later(job.folder, keep=job.keep_optimizer)):
            said.add(sentence, f"{job.variation}, seed {job.seed}")
    return said.sentences()


def _growing(events: Iterator[ExecutorEvent], find: Callable[[], object]) -> Iterator[ExecutorEvent]:
    """Write the findings so far whenever a run is done, before passing on the event."""
    for event in events:
        if isinstance(event, RunEvent) and isinstance(event.event, Done):
            find()
        yield event
