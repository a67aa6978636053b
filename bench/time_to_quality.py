"""How much sooner isthmus's recipe is as good as the post's: `make time-to-quality`.

The faithful recipe trains until its own rule stops it. Then `post/latent-10` trains until its error on the same
validation images is as low. Both times are training seconds with the same code on the same machine.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from bench import record
from bench.contest import ROOT
from bench.goals import Measured
from isthmus.core.errors import InputError
from isthmus.core.paths import cache_folder
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.load import load_data
from isthmus.training import in_folder, loop
from isthmus.training.devices import choose_device
from isthmus.training.events import Started
from isthmus.training.loop import Epoch, Step
from isthmus.training.validation import validate

CIFAR10 = ROOT.parent / "shared" / "data" / "cifar10-exact"
EVERY = 10  # steps between two validations; the clock stops during validation


def train_to_the_end(recipe: Recipe, splits: Splits) -> dict[str, Any]:
    """Train until the recipe's own rule stops it; returns the error of the model that the recipe keeps."""
    kept: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for event in in_folder.train_in_folder(recipe, Path(folder), splits, cache_folder()):
            if isinstance(event, Epoch):
                mse = event.log["validation_mse"]
                _say(f"{recipe.name}: epoch {event.epoch}: validation MSE {mse:.5f}")
                if event.best:
                    kept = {"validation_mse": mse}
        outcome = json.loads(Path(folder, "training.json").read_text(encoding="utf-8"))
    return {**outcome, **kept}


def train_until(recipe: Recipe, splits: Splits, goal: float) -> dict[str, Any]:
    """Train until the validation error is `goal` or less, or to the recipe's end; validation stops the clock.

    The clock starts at the call: it includes building the network and fitting the linear start without a cache.
    """
    seconds, mse, lowest, steps = 0.0, float("inf"), float("inf"), 0
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, _look_in() as validation_mse:
        for event in in_folder.train_in_folder(recipe, Path(folder), splits, Path(folder, "cache")):
            if isinstance(event, Started):
                seconds += time.perf_counter() - begun
            elif isinstance(event, Epoch) and event.epoch == 0:
                mse = lowest = event.log["validation_mse"]
                _say(f"{recipe.name}: before the first step, {seconds:.1f} s: validation MSE {mse:.5f}")
            elif isinstance(event, Step) and (event.step % EVERY == 0 or event.log is not None):
                _wait()
                seconds += time.perf_counter() - begun
                mse, steps = validation_mse(), event.step
                lowest = min(lowest, mse)
                _say(f"{recipe.name}: step {steps}, {seconds:.1f} s: validation MSE {mse:.5f}")
            if mse <= goal:
                break
            if not isinstance(event, Step) or event.step % EVERY == 0 or event.log is not None:
                begun = time.perf_counter()  # the loop or this function has validated since the previous step
    return {"validation_mse": mse, "lowest": lowest, "seconds": seconds, "step": steps, "reached": mse <= goal}


@contextmanager
def _look_in() -> Generator[Callable[[], float]]:
    """Context for a training session: yields a function that returns the current validation error of its model.

    A session does not expose its model, and a copy of its set-up here would measure the copy.
    """
    held: dict[str, Any] = {}

    def train(*args: Any, **kwargs: Any) -> Iterator[Step | Epoch]:
        held.update(inspect.signature(loop.train).bind(*args, **kwargs).arguments)
        return loop.train(*args, **kwargs)

    def validation_mse() -> float:
        model = held["model"]
        scores = validate(model, held["objective"], held["validation"])
        model.train()  # the loop sets this only at the start of an epoch
        return scores["validation_mse"]

    with mock.patch.object(in_folder, "train", train):
        yield validation_mse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=CIFAR10 if CIFAR10.exists() else None, help="a folder of parquet")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quick", action="store_true", help="try it out: numbers without worth, kept in runs/")
    given = parser.parse_args()
    if given.data is None:
        data: dict[str, Any] = {"data.kind": "scenes"}
    else:
        data = {"data.kind": "parquet", "data.path": str(given.data)}
    # the same images for both: by default the two recipes use different validation shares
    shared = {**data, "split.validation": 0.05, "train.device": given.device}
    if given.quick:
        shared |= {"split.limit": 256}
    try:
        faithful = load_recipe("post-faithful/latent-10", {**shared, **({"train.epochs": 2} if given.quick else {})})
        ways = {
            "post/latent-10": load_recipe("post/latent-10", shared),
            "post/latent-10 without the linear start": load_recipe(
                "post/latent-10", {**shared, "model.linear": "none"}
            ),
        }
        splits = load_data(faithful)
        machine = record.hardware(choose_device(given.device).type)
    except InputError as error:
        parser.exit(2, f"bench.time_to_quality: {error}\n")

    slow = train_to_the_end(faithful, splits)
    fast = {name: train_until(recipe, splits, slow["validation_mse"]) for name, recipe in ways.items()}
    for name, outcome in fast.items():
        if not outcome["reached"]:
            raise SystemExit(f"{name} never came to {slow['validation_mse']:.5f}: at best {outcome['lowest']:.5f}")
    steps = ", ".join(f"{name} at step {outcome['step']}" for name, outcome in fast.items())
    record.write(
        "time-to-quality",
        "Time to quality: the post's faithful recipe against isthmus's",
        f"The post's faithful latent-10 recipe was trained to its own stopping rule ({slow['stopped']}, after "
        f"{slow['epochs']} epochs). How much sooner does `post/latent-10` come to the same error on the same "
        f"validation images, {slow['validation_mse']:.5f} per pixel value in [0, 1] on 8-bit output? Looked at every "
        f"{EVERY} steps with the clock stopped, it came there: {steps}. The clock of the two counts the fit of the "
        f"linear start and the building of the network. Data: {splits.source}, {len(splits.train)} training and "
        f"{len(splits.validation)} validation images; seed {faithful.seed}, one run each. No test image was touched.",
        [
            Measured("post-faithful/latent-10, training", (slow["seconds"],), unit="s"),
            *(Measured(f"{name}, to the same error", (to["seconds"],), unit="s") for name, to in fast.items()),
            *(Measured(f"ratio, {name}", (slow["seconds"] / to["seconds"],), 30) for name, to in fast.items()),
        ],
        machine=machine,
        details={"faithful": slow, **fast, "data_hash": splits.hash},
        out=record.folder(given.quick),
    )


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
