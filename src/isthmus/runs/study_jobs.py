"""The runs of a study as jobs, from its plan or from its folder."""

from __future__ import annotations

from pathlib import Path

from isthmus.recipes.study_plan import Plan, load_plan
from isthmus.runs.executors.job import Job
from isthmus.runs.moved_images import moved_in
from isthmus.runs.study_row import seed_folder
from isthmus.runs.time_budget import decided, shortened


def study_jobs(plan: Plan, folder: Path, keep_optimizer: bool) -> list[Job]:
    """Every run of the study, one seed after another."""
    pairs = [(variation, seed) for seed in plan.seeds for variation in plan.variations]
    return [
        Job(row.name, seed, number, len(pairs), row.recipe(seed), seed_folder(folder, row.name, seed), keep_optimizer)
        for number, (row, seed) in enumerate(pairs, start=1)
    ]


def plan_in(folder: Path) -> Plan:
    """The plan of the study in `folder`, as it was begun. Raises InputError where there is none."""
    name = str(folder / "study.toml")
    return load_plan(name, moved_in(load_plan(name), folder))


def job_in(folder: Path, variation: str, seed: int, keep_optimizer: bool) -> Job | None:
    """One run of the study in `folder`, as its budget shortened it; None where the study has no such run."""
    jobs = study_jobs(shortened(plan_in(folder), decided(folder)), folder, keep_optimizer)
    return next((job for job in jobs if (job.variation, job.seed) == (variation, seed)), None)
