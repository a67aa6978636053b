"""Measure how fast several processes train a recipe at the same time, from a few seconds of training."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from isthmus.core.errors import InputError, RunError
from isthmus.kernels.choose import choose
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import Model, Recipe
from isthmus.runs.executors.job import Job, RunElsewhere, RunFailed
from isthmus.runs.executors.order import JobOrder
from isthmus.runs.executors.process import Process, with_news
from isthmus.runs.run import Event
from isthmus.training import devices
from isthmus.training.loop import Step

SECONDS = 2.0  # measured time for each number of processes
LIMIT_SECONDS = 25.0  # for everything; at most half of it for loading torch, compiling kernels and the first step
WARM_STEPS = 2  # uncounted step messages, a quarter of a second each: the first steps allocate memory


def measure(job: Job, threads: Mapping[int, int], image_shape: tuple[int, int, int]) -> dict[int, float | RunError]:
    """number of processes -> their training images per second together, or a RunError if the measurement failed.

    threads: number of processes -> threads of each. image_shape: (C, H, W), of images of random bytes.
    All processes load and take their first step at the same time, so that we wait for this only once. Then each
    number of processes is measured alone on the machine.
    """
    begin, found = time.monotonic(), dict[int, float | RunError]()
    with TemporaryDirectory(prefix="isthmus-") as home:
        trials: dict[int, list[Process]] = {count: [] for count in threads}
        try:
            for count, processes in trials.items():
                for number in range(count):
                    order = _order(job, threads[count], image_shape, Path(home, f"{count}-{number}"))
                    processes.append(Process(order, threads[count]))
            _compile_kernels(job.recipe, image_shape)
            everyone = [process for processes in trials.values() for process in processes]
            failures = _await_first_steps(everyone, begin + LIMIT_SECONDS / 2)
            for done, (count, processes) in enumerate(trials.items()):
                share = (begin + LIMIT_SECONDS - time.monotonic()) / (len(trials) - done)
                try:
                    if failure := next((failures[one] for one in processes if one in failures), None):
                        raise failure
                    steps = _steps_per_second(processes, time.monotonic() + share)
                    found[count] = steps * job.recipe.train.batch
                except RunError as error:
                    found[count] = error
                _kill(processes)
        finally:
            for processes in trials.values():
                _kill(processes)
    return found


def _order(job: Job, threads: int, image_shape: tuple[int, int, int], folder: Path) -> JobOrder:
    settings = {
        "threads": threads,
        "epochs": 10**6,  # the measurement stops long before
        "patience_epochs": None,
        "learning_rate": 1e-9,  # so small that random bytes cannot make the loss diverge
    }
    # no linear path: its fit comes first, and it takes the same share of time for every number of processes
    recipe = replace(job.recipe, model=Model(), train=job.recipe.train.model_copy(update=settings))
    return JobOrder(replace(job, recipe=recipe, folder=folder), folder, tuple(sys.argv), trial=image_shape)


def _compile_kernels(recipe: Recipe, image_shape: tuple[int, int, int]) -> None:
    """Compile in this process while the others load torch; otherwise each would wait for it later."""
    with contextlib.suppress(InputError):  # the processes will report it
        device = devices.choose_device(recipe.train.device)
        precision = devices.choose_precision(recipe.train.precision, device)
        choose(recipe.train.kernels, device, Autoencoder(recipe, image_shape), precision)


def _await_first_steps(processes: Iterable[Process], deadline: float) -> dict[Process, RunError]:
    """Wait until all processes have taken a step; return the errors of those that ended before it."""
    loading, failures = set(processes), dict[Process, RunError]()
    while loading and time.monotonic() < deadline:
        for process in with_news(loading):
            try:
                if isinstance(_receive(process), Step):
                    loading.discard(process)
            except RunError as error:
                failures[process] = error
                loading.discard(process)
    return failures


def _steps_per_second(processes: Sequence[Process], deadline: float) -> float:
    """Steps per second of all processes together while all train. Raises RunError if one fails or is too slow."""
    for process in processes:
        process.go_on()
    seen: dict[Process, list[tuple[float, int]]] = {process: [] for process in processes}
    warm = False
    while time.monotonic() < deadline:
        for process in with_news(processes):
            message = _receive(process)
            if isinstance(message, Step):
                seen[process].append((time.monotonic(), message.step))
        if not warm and all(len(steps) > WARM_STEPS for steps in seen.values()):
            warm, deadline = True, min(deadline, time.monotonic() + SECONDS)
            seen = {process: steps[-1:] for process, steps in seen.items()}
    if not all(len(steps) > 1 for steps in seen.values()):
        raise RunError("too slow to be measured")
    return sum((steps[-1][1] - steps[0][1]) / (steps[-1][0] - steps[0][0]) for steps in seen.values())


def _receive(process: Process) -> Event:
    """The next message of the process. Raises RunError if the process failed."""
    message = process.receive()
    if message is None or isinstance(message, RunFailed | RunElsewhere):
        raise RunError("failed" if message is None else f"failed ({message.sentence})")
    return message


def _kill(processes: Iterable[Process]) -> None:
    for process in processes:
        process.kill()
