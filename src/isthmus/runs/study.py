"""Studies: variations x seeds, each run once, and what they say when held against each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from isthmus.core.atomic_files import refuse_link, write_json, write_text
from isthmus.core.errors import InputError, RunError
from isthmus.core.sorts import PART_TABLES
from isthmus.data.array_file import ARRAY_FILE, keep
from isthmus.data.splits import Splits, content_hashes, data_hash
from isthmus.recipes.recipe import FORMAT, Raw, Recipe
from isthmus.recipes.study_plan import Plan, load_plan
from isthmus.run_files.read import holds
from isthmus.run_files.schema import Findings
from isthmus.runs.executors.auto_jobs import Count, Shapes, choose, longest_first, on_cuda
from isthmus.runs.executors.in_process import run_in_lanes
from isthmus.runs.executors.job import Job, RunBegins, RunEvent, RunFailed
from isthmus.runs.executors.pool import run_at_once
from isthmus.runs.findings import findings, run_folder
from isthmus.runs.run import Done, Event, check, holds_more, is_evaluated, load_data, locked, run
from isthmus.runs.time_budget import decide, decided, idle_budget, shortened
from isthmus.training.devices import choose_device
from isthmus.training.in_folder import Notice, Started
from isthmus.training.initial_model import untrained
from isthmus.training.memory_estimate import check_memory
from isthmus.training.notices import sentences


@dataclass(frozen=True)
class StudyDone:
    """Yielded last."""

    folder: Path
    findings: dict[str, Any]


JobEvent = RunBegins | RunEvent | RunFailed
StudyEvent = JobEvent | Notice | StudyDone


def study(
    plan: Plan, folder: Path, cache: Path, *, command: str, jobs: Count = 1, images: bytes | None = None
) -> Iterator[StudyEvent]:
    """Run what is missing of a study in `folder`, then compare.

    jobs: how many runs at a time. 1 runs them in this process, one after another. More run each in a process of
        its own with an equal share of the CPU's threads, or on a CUDA device in turns, each on a stream of its
        own. "auto" measures on the CPU how many are fastest.
    images: a file of images to keep in the folder and to train on, for the data set `arrays`.
    A failed run is named in the findings and loses nothing of the others. Raises InputError for a mistake in
    the plan or the data before anything is trained.
    """
    if jobs != "auto" and jobs < 1:
        raise InputError(f"jobs: {jobs!r} does not fit: it is a whole number from 1, or auto")
    if images is None:
        yield from _study(plan, folder, cache, command, jobs, locked(folder))
        return
    check_folder(plan, folder)
    with locked(folder):  # before they are written: another process may be training on the file that is there
        keep(images, folder, begun=(folder / "study.toml").exists())
        yield from _study(plan, folder, cache, command, jobs, nullcontext())


def _study(
    plan: Plan, folder: Path, cache: Path, command: str, jobs: Count, lock: AbstractContextManager[None]
) -> Iterator[StudyEvent]:
    data = _Data()
    whole, decision = plan, decided(folder)
    plan = shortened(whole, decision)
    shapes, said = _check(plan, folder, data)

    def start(job: Job) -> Iterator[Event]:
        return run(job.recipe, job.folder, data.of(job.recipe), cache)

    # Two of the same study at once would call each other's runs failed.
    with lock:
        _write_plan(whole, folder)
        if decision is None and (decision := decide(whole, shapes, folder)) is not None:
            plan = shortened(whole, decision)
        if (idle := idle_budget(whole, decision, folder)) is not None:
            yield Notice(idle)
        remarks = [cut] if decision is not None and (cut := decision.sentence) else []
        for sentence in remarks:
            yield Notice(sentence)
        all_jobs = _jobs(plan, folder)

        def find() -> dict[str, Any]:
            found = findings(plan, folder, command=command, remarks=remarks)
            write_json(folder / "findings.json", found)
            return found

        missing = [job for job in all_jobs if not is_evaluated(job.folder)]
        for sentence in said if missing else ():
            yield Notice(sentence)
        count, reason = choose(jobs, missing, shapes)
        if reason is not None:
            yield Notice(reason)
        if count == 1 or on_cuda(missing):
            yield from _growing(_recorded(run_in_lanes(all_jobs, count, start)), find)
        else:
            yield from _recorded(run_in_lanes([job for job in all_jobs if job not in missing], 1, start))
            data.forget()
            yield from _growing(_recorded(run_at_once(longest_first(missing, shapes), count, cache)), find)
        found = find()
    yield StudyDone(folder, found)


def _jobs(plan: Plan, folder: Path) -> list[Job]:
    """Every run of the study, a seed after another."""
    pairs = [(variation, seed) for seed in plan.seeds for variation in plan.variations]
    return [
        Job(row.name, seed, number, len(pairs), row.recipe(seed), run_folder(folder, row.name, seed))
        for number, (row, seed) in enumerate(pairs, start=1)
    ]


def _growing(events: Iterator[JobEvent], find: Callable[[], object]) -> Iterator[JobEvent]:
    """Write the findings so far whenever a run that was trained here is done, before that is told."""
    trained: set[int] = set()
    for event in events:
        if isinstance(event, RunEvent) and isinstance(event.event, Started):
            trained.add(event.job.number)
        if isinstance(event, RunEvent) and isinstance(event.event, Done) and event.job.number in trained:
            find()
        yield event


def _recorded(events: Iterator[JobEvent]) -> Iterator[JobEvent]:
    """Keep a failure in the run's folder until the run is tried again."""
    for event in events:
        record = event.job.folder / "failed.json"
        if isinstance(event, RunBegins):
            record.unlink(missing_ok=True)
        elif isinstance(event, RunFailed):
            record.parent.mkdir(parents=True, exist_ok=True)  # it may have failed before it had a folder
            write_json(record, {"format": 1, "error": event.sentence, "traceback": event.traceback})
        yield event


class _Data:
    """Splits by recipe, one at a time: variations on the same images share them."""

    def __init__(self) -> None:
        self.key = ""
        self.splits: Splits | None = None
        self.tests: dict[str, str] = {}

    def of(self, recipe: Recipe) -> Splits:
        table = recipe.table()
        key = json.dumps([table["data"], table["split"]])
        if self.splits is None or key != self.key:
            self.splits = None  # freed before the next is read
            self.key, self.splits = key, load_data(recipe)
        return self.splits

    def forget(self) -> None:
        """Free the memory."""
        self.key, self.splits = "", None

    def test_hash(self, recipe: Recipe) -> str:
        """Which images the recipe is tested on: equal hashes, equal images in the same order."""
        splits = self.of(recipe)
        if self.key not in self.tests:
            self.tests[self.key] = data_hash(content_hashes(splits.test.images))
        return self.tests[self.key]


def _check(plan: Plan, folder: Path, data: _Data) -> tuple[Shapes, list[str]]:
    """Find every mistake of the plan before the first hour of training.

    Returns the shape (N, 3, H, W) of each variation's training images, and what to say of the images once.
    """
    check_folder(plan, folder)
    tests: dict[str, str] = {}
    shapes: dict[str, tuple[int, int, int, int]] = {}
    said: dict[str, list[str]] = {}
    for variation in plan.variations:
        recipe = variation.recipe(plan.seeds[0])
        try:
            device = choose_device(recipe.train.device)
            splits = data.of(recipe)
            for sentence in sentences(recipe, splits):
                said.setdefault(sentence, []).append(variation.name)
            shape = splits.train.images.shape
            check_memory(recipe, shape[1:], shape[0], device)  # before any is taken
            untrained(recipe, shape[1:])
            shapes[variation.name], tests[variation.name] = shape, data.test_hash(recipe)
        except (InputError, RunError) as error:
            raise type(error)(f"{variation.name}: {error}") from None
        for seed in plan.seeds:
            home = run_folder(folder, variation.name, seed)
            if (home / "recipe.toml").exists():
                check(home, variation.recipe(seed))
    for variation in plan.variations:
        for against in variation.compare:
            if tests[variation.name] != tests[against]:
                raise InputError(
                    f"{variation.name}: compared with {against!r}, which is tested on other images; "
                    "leave `compare` out, or give both the same data and split"
                )
    return shapes, [_about(names, len(plan.variations), sentence) for sentence, names in said.items()]


def _about(names: list[str], of: int, sentence: str) -> str:
    """The sentence, with the variations that it is about where that is not all of them."""
    few = f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: "
    return sentence if len(names) == of else few + sentence


def check_folder(plan: Plan, folder: Path) -> None:
    """See that the folder is free for this study, or already its own. Raises InputError where it is neither."""
    if (folder / "recipe.toml").exists():
        raise InputError(f"{folder}: holds a single run, not a study; choose another --out")
    if not folder.is_dir():
        return
    # the lock: a study.toml that somebody wrote himself lies in a folder where no study ran yet
    ours = holds(folder / "findings.json", Findings) or (
        (folder / "lock").is_file() and _is_plan(folder / "study.toml")
    )
    runs = {home.parents[1].name for home in folder.glob("*/seed-*/recipe.toml")}
    if not ours and holds_more(folder, {"lock", ARRAY_FILE, *runs}):
        raise InputError(f"{folder}: not empty and no study's folder; choose another --out")
    for variation in plan.variations:
        refuse_link(folder / variation.name)
        for seed in plan.seeds:
            refuse_link(run_folder(folder, variation.name, seed))


def _is_plan(path: Path) -> bool:
    try:
        load_plan(str(path))
    except (InputError, OSError):
        return False
    return True


def _write_plan(plan: Plan, folder: Path) -> None:
    """study.toml: what all variations share as the base, the rest as their changes; it can be run again."""
    tables = {row.name: row.recipe(plan.seeds[0]).table() for row in plan.variations}
    for table in tables.values():
        for key in ("format", "name", "seed"):
            del table[key]
    first = next(iter(tables.values()))
    base: Raw = {}
    for name, options in first.items():
        shared = {k: v for k, v in options.items() if all(t[name].get(k) == v for t in tables.values())}
        if name not in PART_TABLES or "kind" in shared:  # another kind brings all its own options
            base[name] = shared
    rows: list[Raw] = []
    for row in plan.variations:
        changes = {
            f"{name}.{key}": value
            for name, options in tables[row.name].items()
            for key, value in options.items()
            if key not in base.get(name, {})
        }
        texts = {"about": row.about, "note": row.note, "compare": list(row.compare)}
        rows.append({"name": row.name, **{k: v for k, v in texts.items() if v}, "changes": changes})
    file = {
        "format": FORMAT,
        "name": plan.name,
        "about": plan.about,
        "seeds": list(plan.seeds),
        **({"budget": {"seconds": plan.budget_seconds}} if plan.budget_seconds is not None else {}),
        "base": base,
        "variation": rows,
    }
    write_text(folder / "study.toml", tomli_w.dumps(file))
