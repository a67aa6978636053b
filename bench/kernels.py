"""Compiled kernels against PyTorch's on the CPU: `python -m bench.kernels`, five minutes.

Two copies of the post's network train in one process and take turns of a few steps, so that the machine's noise affects
both equally; every ratio compares two turns that follow each other.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from bench import record
from bench.contestants._common import random_images
from bench.goals import Measured
from isthmus.kernels.choose import choose
from isthmus.kernels.compiled import why_unavailable
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.recipes.study_plan import load_recipe
from isthmus.training.batches import Batches
from isthmus.training.devices import choose_precision, cpu_threads, keep_freed_memory
from isthmus.training.optimizers import build_optimizer
from isthmus.training.steps import EagerStep

STEPS = 4  # in each turn
WARM_STEPS = 10
CASES = (("auto", 32), ("fp32", 32), ("auto", 128))  # precision, batch


def steps(kernels: str, precision: str, batch: int, images: Tensor) -> Callable[[int], float]:
    """A training of the post's latent-10 network; called with a number of steps, it returns their seconds."""
    recipe = load_recipe(
        "post-faithful/latent-10", {"data.kind": "scenes", "train.optimizer": "adam", "train.batch": batch}
    )
    torch.manual_seed(0)
    model = Autoencoder(recipe, (3, 32, 32)).to(memory_format=torch.channels_last)  # pyright: ignore
    precision = choose_precision(precision, model.device)
    chosen = choose(kernels, model.device, model, precision).kernels
    assert chosen == kernels
    objective = build_objective(recipe, model)
    batches = Batches(images, batch, seed=0)
    take = EagerStep(
        model,
        objective,
        build_optimizer(model, recipe.train, objective),
        batches,
        recipe.train,
        precision=precision,
        kernels=chosen,
        seed=0,
    )
    model.train()
    order = _endless(batches)
    done = 0

    def run(count: int) -> float:
        nonlocal done
        begun = time.perf_counter()
        for _ in range(count):
            take(next(order), done)
            done += 1
        return time.perf_counter() - begun

    return run


def compare(precision: str, batch: int, images: Tensor, seconds: float) -> tuple[list[float], dict[str, float]]:
    """PyTorch's seconds divided by ours for each turn, and the median images/s of both."""
    trainings = {kernels: steps(kernels, precision, batch, images) for kernels in ("torch", "compiled")}
    taken: dict[str, list[float]] = {kernels: [] for kernels in trainings}
    for run in trainings.values():
        run(WARM_STEPS)
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends or len(taken["torch"]) % 2:
        turn = len(taken["torch"]) % 2
        for kernels in sorted(trainings, reverse=bool(turn)):
            taken[kernels].append(trainings[kernels](STEPS))
    rates = {kernels: STEPS * batch / statistics.median(values) for kernels, values in taken.items()}
    return [a / b for a, b in zip(taken["torch"], taken["compiled"], strict=True)], rates


def _endless(batches: Batches) -> Iterator[Tensor]:
    number = 0
    while True:
        yield from (chosen for chosen in batches.epoch(number) if len(chosen) == batches.batch)
        number += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=90.0, help="of each comparison")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="try it out: numbers without worth, kept in runs/")
    given = parser.parse_args()
    if reason := why_unavailable():
        parser.exit(2, f"bench.kernels: no compiled kernels: {reason}\n")
    seconds = 3.0 if given.quick else given.seconds
    machine = record.hardware("cpu")
    keep_freed_memory()
    images = torch.from_numpy(random_images(5_000))
    rows: list[Measured] = []
    turns: dict[str, list[float]] = {}
    lines = ["| precision, batch | PyTorch's, images/s | compiled, images/s |", "|---|---|---|"]
    with cpu_threads(given.threads):
        for precision, batch in CASES:
            found, rates = compare(precision, batch, images, seconds)
            turns[f"{precision} {batch}"] = found
            quartiles = statistics.quantiles(found, n=4)  # on a shared machine single turns are too noisy
            rows.append(Measured(f"times as fast, {precision} {batch}", tuple(quartiles)))
            lines.append(f"| {precision}, {batch} | {rates['torch']:.0f} | {rates['compiled']:.0f} |")
    record.write(
        "kernels",
        "Compiled kernels against PyTorch's",
        "How much faster is a training step of the post's latent-10 network where batch norm and leaky ReLU are one "
        "compiled operation, convolutions in fp32 are minimal filtering, and those in bf16 are "
        "our own tiles'? "
        f"{STEPS} steps of each in turn for {seconds:g} s, {given.threads} threads; images/s are "
        "medians, ratios are of neighbouring turns: their median, and their quartiles.",
        rows,
        machine=machine,
        details={"ratios_by_turn": turns},
        out=record.folder(given.quick),
        beside="\n".join(lines),
    )


if __name__ == "__main__":
    main()
