"""`--jobs auto`: how many runs at a time train most images a second on this machine, found out by trying."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import torch

from isthmus.errors import RunError
from isthmus.evaluate import cost
from isthmus.jobs.job import Job, RunFailed
from isthmus.jobs.order import Order
from isthmus.jobs.pool import share_of_threads
from isthmus.jobs.process import Process
from isthmus.model import Autoencoder
from isthmus.training.loop import Step
from isthmus.training.machine import choose_device

WARM_STEPS = 3  # messages about steps: the first steps ask for memory
SECONDS = 3.0  # that are counted
LIMIT_SECONDS = 20.0  # for all that is tried, loading torch included
PAYS_SECONDS = 60.0  # trying takes a quarter of this and saves half at best
CUDA_LANES = 5  # for "auto": a step of a small network leaves most of a large device idle
FLOPS_PER_CORE = 5e10  # a second: what training reaches on a core of a laptop or server, within a factor of two

Count = int | Literal["auto"]
Shapes = Mapping[str, tuple[int, int, int, int]]


def choose(wanted: Count, jobs: Sequence[Job], shapes: Shapes) -> tuple[int, str | None]:
    """How many jobs to run at a time, and a sentence where that takes one.

    jobs: those that are missing. shapes: variation -> (N, 3, H, W), its training images.
    For "auto" the first job's recipe is tried for a few seconds, alone on all threads and several at a time.
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
    speeds: dict[int, float] = {}
    said: list[str] = []
    deadline = time.monotonic() + LIMIT_SECONDS
    for count in sorted({1, 2, min(cores, len(jobs))}):
        try:
            speeds[count] = images_per_second(jobs[0], count, shapes[jobs[0].variation][1:], deadline=deadline)
            said.append(f"{_name(jobs[0], count)}: {speeds[count]:,.0f} images/s")
        except RunError as error:
            said.append(f"{_name(jobs[0], count)}: {error}")
    best = max(speeds, key=lambda count: speeds[count], default=1)
    return best, f"jobs: {', '.join(said)}: running {'one after another' if best == 1 else f'{best} at a time'}."


def on_cuda(jobs: Sequence[Job]) -> bool:
    """Whether a job asks for a CUDA device, where all jobs then run in this process."""
    return any(choose_device(job.recipe.train.device).type == "cuda" for job in jobs)


def longest_first(jobs: Sequence[Job], shapes: Shapes) -> list[Job]:
    """So that no long job is left to run alone at the end."""
    flops = _flops(jobs, shapes)
    return [jobs[index] for index in sorted(range(len(jobs)), key=lambda index: -flops[index])]


def images_per_second(job: Job, count: int, image_shape: tuple[int, int, int], *, deadline: float) -> float:
    """Images a second of `count` processes together, training the job's recipe at the same time.

    Raises RunError where one of them fails, or some steps are not taken by `deadline`, of time.monotonic().
    """
    threads = _threads(job, count)
    settings = {
        "threads": threads,
        "epochs": 10**6,  # it is stopped long before
        "patience_epochs": None,
        "learning_rate": 1e-9,  # random bytes are not to make the loss diverge
    }
    recipe = replace(job.recipe, train=job.recipe.train.model_copy(update=settings))
    with TemporaryDirectory(prefix="isthmus-") as home:
        processes: list[Process] = []
        try:
            for number in range(count):
                trial = replace(job, recipe=recipe, folder=Path(home, str(number)))
                processes.append(Process(Order(trial, Path(home), tuple(sys.argv), image_shape), threads))
            return _steps_per_second(processes, deadline) * recipe.train.batch
        finally:
            for process in processes:
                process.kill()


def _steps_per_second(processes: Sequence[Process], deadline: float) -> float:
    """Steps a second of all processes, counted while all of them train. Raises as `images_per_second`."""
    steps: dict[Process, list[tuple[float, int]]] = {process: [] for process in processes}
    begin = 0.0
    while time.monotonic() < deadline:
        ready = wait([process.pipe for process in processes], 0.1)
        for process in processes:
            if process.pipe not in ready:
                continue
            message = process.receive()
            if isinstance(message, Step):
                steps[process].append((time.monotonic(), message.step))
            elif message is None or isinstance(message, RunFailed):
                raise RunError("failed" if message is None else f"failed ({message.sentence})")
        if not begin and all(len(seen) >= WARM_STEPS for seen in steps.values()):
            begin = time.monotonic()
            steps = {process: seen[-1:] for process, seen in steps.items()}
        if begin and time.monotonic() - begin > SECONDS and all(len(seen) > 1 for seen in steps.values()):
            return sum((seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0]) for seen in steps.values())
    raise RunError("too slow to be measured")


def _flops(jobs: Sequence[Job], shapes: Shapes) -> list[float]:
    """Of each job's training from its start, forward and backward: 6 for a multiply-add of the forward pass."""
    images: dict[str, float] = {}
    for job in jobs:
        if job.variation not in images:
            images[job.variation] = 6.0 * cost(Autoencoder(job.recipe, shapes[job.variation][1:]))["multiply_adds"]
    return [images[job.variation] * shapes[job.variation][0] * job.recipe.train.epochs for job in jobs]


def _threads(job: Job, count: int) -> int:
    return job.recipe.train.threads or share_of_threads(count)


def _name(job: Job, count: int) -> str:
    threads = _threads(job, count)
    return f"{count} x {threads} thread{'s' if threads > 1 else ''}"
