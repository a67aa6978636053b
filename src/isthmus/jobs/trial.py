"""How fast a number of processes train a recipe at the same time, found out by letting them for a few seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from isthmus.errors import RunError
from isthmus.jobs.job import Job, RunFailed
from isthmus.jobs.order import Order
from isthmus.jobs.process import Process, with_news
from isthmus.recipe import Model
from isthmus.training.loop import Step

SECONDS = 3.0  # that are counted, for each number of processes
LIMIT_SECONDS = 20.0  # for everything; at most half of it to load torch
WARM_STEPS = 3  # messages about steps that are not counted: the first steps ask for memory


def measure(job: Job, threads: Mapping[int, int], image_shape: tuple[int, int, int]) -> dict[int, float | RunError]:
    """Images a second that processes train together, by their number; a RunError where that cannot be known.

    threads: number of processes -> threads of each. image_shape: (3, H, W), of images of random bytes.
    All load at the same time, so that this is waited for once; then each number has the machine to itself.
    """
    begin, found = time.monotonic(), dict[int, float | RunError]()
    with TemporaryDirectory(prefix="isthmus-") as home:
        trials: dict[int, list[Process]] = {count: [] for count in threads}
        try:
            for count, processes in trials.items():
                for number in range(count):
                    order = _order(job, threads[count], image_shape, Path(home, f"{count}-{number}"))
                    processes.append(Process(order, threads[count]))
            _load([process for processes in trials.values() for process in processes], begin + LIMIT_SECONDS / 2)
            for done, (count, processes) in enumerate(trials.items()):
                share = (begin + LIMIT_SECONDS - time.monotonic()) / (len(trials) - done)
                try:
                    steps = _steps_per_second(processes, time.monotonic() + share)
                    found[count] = steps * job.recipe.train.batch
                except RunError as error:
                    found[count] = error
                _kill(processes)
        finally:
            for processes in trials.values():
                _kill(processes)
    return found


def _order(job: Job, threads: int, image_shape: tuple[int, int, int], folder: Path) -> Order:
    settings = {
        "threads": threads,
        "epochs": 10**6,  # it is stopped long before
        "patience_epochs": None,
        "learning_rate": 1e-9,  # random bytes are not to make the loss diverge
    }
    # without a linear path, which would be fitted first and takes the same share of every number's time
    recipe = replace(job.recipe, model=Model(), train=job.recipe.train.model_copy(update=settings))
    return Order(replace(job, recipe=recipe, folder=folder), folder, tuple(sys.argv), trial=image_shape)


def _load(processes: Iterable[Process], deadline: float) -> None:
    """Wait until all could begin."""
    loading = set(processes)
    while loading and time.monotonic() < deadline:
        for process in with_news(loading):
            process.await_loaded()
            loading.discard(process)


def _steps_per_second(processes: Sequence[Process], deadline: float) -> float:
    """Of all processes together, while all of them train. Raises RunError where that cannot be known."""
    for process in processes:
        process.let_begin()
    seen: dict[Process, list[tuple[float, int]]] = {process: [] for process in processes}
    warm = False
    while time.monotonic() < deadline:
        for process in with_news(processes):
            message = process.receive()
            if message is None or isinstance(message, RunFailed):
                raise RunError("failed" if message is None else f"failed ({message.sentence})")
            if isinstance(message, Step):
                seen[process].append((time.monotonic(), message.step))
        if not warm and all(len(steps) > WARM_STEPS for steps in seen.values()):
            warm, deadline = True, min(deadline, time.monotonic() + SECONDS)
            seen = {process: steps[-1:] for process, steps in seen.items()}
    if not all(len(steps) > 1 for steps in seen.values()):
        raise RunError("too slow to be measured")
    return sum((steps[-1][1] - steps[0][1]) / (steps[-1][0] - steps[0][0]) for steps in seen.values())


def _kill(processes: Iterable[Process]) -> None:
    for process in processes:
        process.kill()
