"""Images per second of training, in turns from memory and from a store, on the same images."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import torch

from isthmus.data.store.opening import open_store
from isthmus.kernels.choose import choose
from isthmus.recipes.study_plan import load_recipe
from isthmus.training import devices
from isthmus.training.batches import Batches, BatchesFromDisk, BatchSource
from isthmus.training.initial_model import untrained
from isthmus.training.optimizers import build_optimizer
from isthmus.training.steps import EagerStep


def main() -> None:
    """Arguments: store, seconds a turn, rounds. Prints images/s from memory and from the store for each round."""
    images = open_store(Path(sys.argv[1])).train.images
    seconds, rounds = float(sys.argv[2]), int(sys.argv[3])
    devices.keep_freed_memory()
    held, device = torch.from_numpy(images[:]), torch.device("cpu")
    turns = [
        _steps(Batches(held, 32, seed=0), images.shape[1:]),
        _steps(BatchesFromDisk(images, device, 32, seed=0), images.shape[1:]),
    ]
    for turn in turns:
        _rate(turn, 1.0)  # warm up
    for number in range(rounds):
        rates = {place: _rate(turns[place], seconds) for place in ((0, 1) if number % 2 else (1, 0))}
        print(f"{rates[0]:.1f} {rates[1]:.1f}", flush=True)


def _steps(batches: BatchSource, shape: tuple[int, int, int]) -> Callable[[], int]:
    """Takes one training step and returns its number of images."""
    recipe = load_recipe("post/latent-10", {"data.kind": "scenes", "model.linear": "none"})
    model, objective = untrained(recipe, shape)
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    precision = devices.choose_precision("auto", torch.device("cpu"))
    kernels = choose("auto", torch.device("cpu"), model, precision).kernels
    optimizer = build_optimizer(model, recipe.train, objective)
    step = EagerStep(
        model, objective, optimizer, batches, recipe.train, precision=precision, kernels=kernels, seed=0
    )  # fmt: skip
    model.train()
    order: Iterator[torch.Tensor] = (chosen for epoch in count() for chosen in batches.epoch(epoch))
    numbers = count()

    def take() -> int:
        chosen = next(order)
        step(chosen, next(numbers))
        return len(chosen)

    return take


def _rate(take: Callable[[], int], seconds: float) -> float:
    begun, images = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        images += take()
    return images / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
