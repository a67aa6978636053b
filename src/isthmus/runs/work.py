"""Take part in a study: do any of its missing runs that nobody else does, on computers that share its folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.lease import HeldElsewhere, Leases, held_by
from isthmus.core.wording import counted
from isthmus.recipes.recipe import Raw
from isthmus.recipes.study_plan import Plan
from isthmus.run_files.version import VERSION_FILE
from isthmus.run_files.write import write_record
from isthmus.runs.check_study import check_plan
from isthmus.runs.claim import first_difference, locked
from isthmus.runs.executors.auto_jobs import Shapes, longest_first
from isthmus.runs.executors.carry_out import carry_out
from isthmus.runs.executors.in_process import InProcess
from isthmus.runs.executors.job import Job, RunFailed
from isthmus.runs.findings import findings
from isthmus.runs.folder_log import logged
from isthmus.runs.leased import LOOK_SECONDS
from isthmus.runs.run_folder import is_finished
from isthmus.runs.same_version import check_version
from isthmus.runs.shared_splits import SharedSplits
from isthmus.runs.study import StudyDone, StudyEvent
from isthmus.runs.study_file import write_plan
from isthmus.runs.study_jobs import plan_in, study_jobs
from isthmus.runs.time_budget import cuts, decide, decided, shortened
from isthmus.training.events import Notice


@dataclass(frozen=True)
class LeftToOthers:
    """Yielded last instead of `StudyDone`: other processes still do these runs, and the last one compares."""

    sentence: str


def work(
    plan: Plan, folder: Path, cache: Path, *, command: str, wait: bool = False, keep_optimizer: bool = False
) -> Iterator[StudyEvent | LeftToOthers]:
    """Do the study's missing runs, one after another, as long as there is one that no other process does.

    wait: stay until the others are done too, and do what they leave behind. keep_optimizer: as in `study`.
    A run whose process shows no sign of life is taken over. A failed run is tried once. Whoever sees that none is left
    writes the findings. Raises as `study`, and InputError where the folder holds a study with other options, or one of
    another version of isthmus.
    """
    if (folder / VERSION_FILE).exists():  # first: reading the images may take long
        check_version(folder)
    if (folder / "study.toml").is_file():
        _check_same(plan, folder)
    data, leases = SharedSplits(), Leases()
    shapes, said = check_plan(shortened(plan, decided(folder)), folder, data)
    _prepare(plan, folder, shapes, leases)
    check_version(folder)
    decision = decided(folder)
    yield from map(Notice, (*cuts(decision), *said))
    jobs = study_jobs(shortened(plan, decision), folder, keep_optimizer)
    shift = _Shift(longest_first(jobs, shapes), leases)
    with logged(folder, "work"):
        executor = InProcess(1, lambda job: carry_out(job, data.of, cache, leases))
        said = False
        while not shift.is_over(wait=wait):
            if (job := shift.free()) is None:
                if not said:
                    yield Notice(f"Nothing is free; watching {counted(len(shift.left()), 'run')} of other processes.")
                said = True
                time.sleep(LOOK_SECONDS)
                continue
            said = False
            for event in executor.run([job]):
                if isinstance(event, RunFailed):
                    shift.failed.add(job.number)
                yield event
        if others := shift.left():
            yield LeftToOthers(_left(others, len(jobs), folder))
            return
        with ExitStack() as until:
            if not _hold_soon(leases, folder, until):
                yield LeftToOthers(f"All {len(jobs)} runs are tried; another command on {folder} compares them.")
                return
            found = findings(
                shortened(plan, decision),
                folder,
                command=command,
                remarks=cuts(decision),
                test_hashes=data.test_hashes,
                ended=True,
            )
            write_record(folder / "findings.json", found)
    yield StudyDone(folder, found)


def _check_same(plan: Plan, folder: Path) -> None:
    """Check that the study in `folder` is this one: whoever takes part does not change it."""
    difference = first_difference(_table(plan_in(folder)), _table(plan))
    if difference is not None:
        raise InputError(
            f"{folder}: holds a study with other options ({difference}); `isthmus work {folder}` takes part in it as "
            "it is, `isthmus study` changes it"
        )


def _table(plan: Plan) -> Raw:
    return {"seeds": list(plan.seeds), **{row.name: row.recipe(plan.seeds[0]).table() for row in plan.variations}}


def _prepare(plan: Plan, folder: Path, shapes: Shapes, leases: Leases) -> None:
    """Begin the study where that is to do. One process does it, and the others wait for it."""
    while not (folder / VERSION_FILE).exists():
        with ExitStack() as until:
            try:
                until.enter_context(leases.hold(folder))
            except HeldElsewhere:
                time.sleep(LOOK_SECONDS)
                continue
            with locked(folder):  # makes the file by which a study's folder is known
                if not (folder / "study.toml").is_file():
                    write_plan(plan, folder)
                if decided(folder) is None:
                    decide(plan, shapes, folder)
                check_version(folder)  # last: it says that the rest is there


def _hold_soon(leases: Leases, folder: Path, until: ExitStack) -> bool:
    """Hold the study to write its findings; False where another command is at work on it."""
    while True:
        try:
            until.enter_context(leases.hold(folder))
            return True
        except HeldElsewhere:
            if leases.look(folder) == "held":
                return False
        time.sleep(LOOK_SECONDS)


class _Shift:
    """Which run comes next."""

    def __init__(self, jobs: Sequence[Job], leases: Leases) -> None:
        self.jobs, self.leases = list(jobs), leases
        self.failed: set[int] = set()
        self._failed_before = {job.number: _stamp(job) for job in jobs}

    def free(self) -> Job | None:
        """A run that this process can do."""
        return next((job for job in self.left() if self.leases.look(job.folder) == "free"), None)

    def is_over(self, *, wait: bool) -> bool:
        """Whether nothing is left to do, or, without `wait`, nothing but what living processes do."""
        left = self.left()
        return not left or (not wait and all(self.leases.look(job.folder) == "held" for job in left))

    def left(self) -> list[Job]:
        """The runs that are to do: neither finished, nor failed since this process began."""
        self.jobs = [job for job in self.jobs if not is_finished(job.folder)]
        return [
            job
            for job in self.jobs
            if job.number not in self.failed and _stamp(job) in (None, self._failed_before[job.number])
        ]


def _stamp(job: Job) -> tuple[int, int] | None:
    """Of failed.json: another one is another failure."""
    try:
        status = (job.folder / "failed.json").lstat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _left(others: Sequence[Job], total: int, folder: Path) -> str:
    who = [f"{job.variation}, seed {job.seed} ({held_by(job.folder) or 'just now'})" for job in others[:5]]
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""
    return (
        f"{counted(len(others), 'run')} of {total} {'is' if len(others) == 1 else 'are'} still with others: "
        f"{'; '.join(who)}{more}. Whoever ends last compares; `isthmus work {folder} --wait` stays until then."
    )
