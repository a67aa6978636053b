"""Studies: variations x seeds, each trained once, and their comparison."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import Faults, InputError
from isthmus.data.given_images import GivenImages, keep, named_as_given
from isthmus.recipes.study_plan import Plan
from isthmus.run_files.failed import Failure
from isthmus.run_files.findings import Findings
from isthmus.run_files.write import write_record
from isthmus.runs.check_study import check_folder, check_plan
from isthmus.runs.claim import locked
from isthmus.runs.executors.auto_jobs import Count, choose, longest_first, on_cuda
from isthmus.runs.executors.in_process import run_in_lanes
from isthmus.runs.executors.job import Job, RunBegins, RunEvent, RunFailed
from isthmus.runs.executors.pool import run_at_once
from isthmus.runs.findings import findings
from isthmus.runs.folder_log import logged
from isthmus.runs.optimizer_state import settle_later
from isthmus.runs.run import Done, Event, run, show
from isthmus.runs.run_folder import is_finished
from isthmus.runs.shared_splits import SharedSplits
from isthmus.runs.study_file import write_plan
from isthmus.runs.study_row import seed_folder
from isthmus.runs.time_budget import decide, decided, idle_budget, shortened
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


JobEvent = RunBegins | RunEvent | RunFailed
StudyEvent = JobEvent | Notice | FinishedRead | StudyDone


def study(
    plan: Plan,
    folder: Path,
    cache: Path,
    *,
    command: str,
    jobs: Count = 1,
    images: GivenImages | None = None,
    keep_optimizer: bool = False,
) -> Iterator[StudyEvent]:
    """Run the missing runs of a study in `folder`, then compare.

    jobs: number of runs at the same time. With 1 they run in this process, one after another. With more, each has
        its own process and an equal share of the CPU threads; on a CUDA device they take turns in this process,
        each on its own stream. "auto" measures on the CPU which number is fastest.
    images: those that were given in Python, to keep in the folder and to train on.
    keep_optimizer: keep what only serves to go on with a run whose training has ended.
    A failed run is named in the findings and does not affect the others. Raises InputError for a mistake in the
    plan or the data, before any training.
    """
    if jobs != "auto" and jobs < 1:
        raise InputError(f"jobs: {jobs!r} does not fit: it is a whole number from 1, or auto")
    if images is None:
        yield from _study(plan, folder, cache, command, jobs, keep_optimizer, locked(folder))
        return
    check_folder(plan, folder)
    with locked(folder):  # locked before writing: another process may be training on the present file
        keep(images, folder, begun=(folder / "study.toml").exists())
        with named_as_given(folder / images.name):
            yield from _study(plan, folder, cache, command, jobs, keep_optimizer, nullcontext())


def _study(
    plan: Plan,
    folder: Path,
    cache: Path,
    command: str,
    jobs: Count,
    keep_optimizer: bool,
    lock: AbstractContextManager[None],
) -> Iterator[StudyEvent]:
    data = SharedSplits()
    whole, decision = plan, decided(folder)
    plan = shortened(whole, decision)
    shapes, said = check_plan(plan, folder, data)

    def start(job: Job) -> Iterator[Event]:
        return run(job.recipe, job.folder, data.of(job.recipe), cache, keep_optimizer=keep_optimizer)

    def read(job: Job) -> Iterator[Event]:
        return show(job.recipe, job.folder, data.of(job.recipe))

    # Two processes on the same study would report each other's runs as failed.
    with lock:
        write_plan(whole, folder)
        if decision is None and (decision := decide(whole, shapes, folder)) is not None:
            plan = shortened(whole, decision)
        if (idle := idle_budget(whole, decision, folder)) is not None:
            yield Notice(idle)
        remarks = [cut] if decision is not None and (cut := decision.sentence) else []
        for sentence in remarks:
            yield Notice(sentence)
        all_jobs = _jobs(plan, folder, keep_optimizer)

        def find(*, ended: bool = False) -> Findings:
            found = findings(plan, folder, command=command, remarks=remarks, test_hashes=data.test_hashes, ended=ended)
            write_record(folder / "findings.json", found)
            return found

        missing = [job for job in all_jobs if not is_finished(job.folder)]
        finished = [job for job in all_jobs if job not in missing]
        for sentence in said if missing else ():
            yield Notice(sentence)
        count, reason = choose(jobs, missing, shapes)
        if reason is not None:
            yield Notice(reason)
        yield from _recorded(run_in_lanes(finished, 1, read))
        for sentence in _settled(finished):
            yield Notice(f"{sentence}.")
        if missing and (finished or os.path.lexists(folder / "findings.json")):  # of a study without the missing runs
            find()
        if missing and finished:
            yield FinishedRead(len(all_jobs))
        with logged(folder, "study") if missing else nullcontext():
            if count == 1 or on_cuda(missing):
                yield from _growing(_recorded(run_in_lanes(missing, count, start)), find)
            else:
                data.forget()
                yield from _growing(_recorded(run_at_once(longest_first(missing, shapes), count, cache)), find)
            found = find(ended=True)
    yield StudyDone(folder, found)


def _jobs(plan: Plan, folder: Path, keep_optimizer: bool) -> list[Job]:
    """Every run of the study, one seed after another."""
    pairs = [(variation, seed) for seed in plan.seeds for variation in plan.variations]
    return [
        Job(row.name, seed, number, len(pairs), row.recipe(seed), seed_folder(folder, row.name, seed), keep_optimizer)
        for number, (row, seed) in enumerate(pairs, start=1)
    ]


def _settled(finished: Sequence[Job]) -> list[str]:
    """Settle what finished runs keep of their optimizers; returns what there is to say, once for all runs alike."""
    said = Faults()
    for job in finished:
        if (sentence := settle_later(job.folder, keep=job.keep_optimizer)) is not None:
            said.add(sentence, f"{job.variation}, seed {job.seed}")
    return said.sentences()


def _growing(events: Iterator[JobEvent], find: Callable[[], object]) -> Iterator[JobEvent]:
    """Write the findings so far whenever a run is done, before passing on the event."""
    for event in events:
        if isinstance(event, RunEvent) and isinstance(event.event, Done):
            find()
        yield event


def _recorded(events: Iterator[JobEvent]) -> Iterator[JobEvent]:
    """Keep failed.json in the run's folder until the run is tried again."""
    for event in events:
        record = event.job.folder / "failed.json"
        with suppress(OSError):  # such as a folder in its place: the findings say so, and the other runs go on
            if isinstance(event, RunBegins):
                record.unlink(missing_ok=True)
            elif isinstance(event, RunFailed):
                record.parent.mkdir(parents=True, exist_ok=True)  # the run may have failed before its folder existed
                write_record(record, Failure(error=event.sentence, traceback=event.traceback))
        yield event
