"""`--jobs auto`: find the number of simultaneous runs that train the most images per second on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch

from isthmus.core.wording import counted
from isthmus.evaluation.cost import cost
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.training_length import budget
from isthmus.runs.executors.benchmark import measure
from isthmus.runs.executors.job import Job
from isthmus.runs.executors.pool import share_of_threads
from isthmus.training.devices import choose_device

PAYS_SECONDS = 120.0  # the measurement takes 13 s and saves about a fifth, records/2026-11-22-jobs.md
CUDA_LANES = 5  # for "auto": a step of a small network leaves most of a large device idle
FLOPS_PER_CORE = 5e10  # per second: training speed on one core of a laptop or server, within a factor of two

Count = int | Literal["auto"]
Shapes = Mapping[str, tuple[int, int, int, int]]


def choose(wanted: Count, jobs: Sequence[Job], shapes: Shapes) -> tuple[int, str | None]:
    """The number of jobs to run at the same time, and a sentence if the choice needs an explanation.

    jobs: the missing ones. shapes: variation -> (N, C, H, W), its training images.
    "auto" trains the first job's recipe for a few seconds, once alone on all threads and then several at a time.
    """
    if wanted == 1 or not jobs:
        return 1, None
    if on_cuda(jobs):
        return min(len(jobs), CUDA_LANES if wanted == "auto" else wanted), None
    if wanted != "auto":
        return wanted, None
    cores = torch.get_num_threads()
    if len(jobs) < 2:
        return 1, "jobs: one run is missing: nothing to run beside it."
    if cores < 2:
        return 1, "jobs: there is one thread: running one after another."
    if sum(_flops(jobs, shapes)) < PAYS_SECONDS * FLOPS_PER_CORE * cores:
        return 1, "jobs: too little to train for measuring to pay: running one after another."
    threads = {n: jobs[0].recipe.train.threads or share_of_threads(n) for n in sorted({1, 2, min(cores, len(jobs))})}
    speeds = measure(jobs[0], threads, shapes[jobs[0].variation][1:])
    said = [
        f"{count} x {counted(threads[count], 'thread')}: "
        + (f"{speed:,.0f} images/s" if isinstance(speed, float) else str(speed))
        for count, speed in speeds.items()
    ]
    known = {count: speed for count, speed in speeds.items() if isinstance(speed, float)}
    best = max(known, key=lambda count: known[count], default=1)
    return best, f"jobs: {', '.join(said)}: running {'one after another' if best == 1 else f'{best} at a time'}."


def on_cuda(jobs: Sequence[Job]) -> bool:
    """Whether a job asks for a CUDA device; if one does, all jobs run in this process."""
    return any(choose_device(job.recipe.train.device).type == "cuda" for job in jobs)


def longest_first(jobs: Sequence[Job], shapes: Shapes) -> list[Job]:
    """Longest jobs first, so that no long job runs alone at the end."""
    flops = _flops(jobs, shapes)
    return [jobs[index] for index in sorted(range(len(jobs)), key=lambda index: -flops[index])]


def _flops(jobs: Sequence[Job], shapes: Shapes) -> list[float]:
    """Each job's FLOPs for its whole training: 6 for each multiply-add of the forward pass, backward pass included."""
    images: dict[str, float] = {}
    for job in jobs:
        if job.variation not in images:
            images[job.variation] = 6.0 * cost(Autoencoder(job.recipe, shapes[job.variation][1:])).multiply_adds
    return [images[job.variation] * _images_seen(job.recipe, shapes[job.variation][0]) for job in jobs]


def _images_seen(recipe: Recipe, images: int) -> int:
    allowed = budget(recipe, images)
    return images * allowed.passes * allowed.recipe.train.epochs
