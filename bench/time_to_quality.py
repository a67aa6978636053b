"""How much sooner isthmus's recipe is as good as the post's: `make time-to-quality`.

The faithful recipe trains until its own rule stops it; then `post/latent-10` trains until its error on the same
validation images is as low. Both times are training seconds of the same engine on the same machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from bench import record
from bench.contest import ROOT
from bench.engine import Engine, prepare
from bench.goals import Measured
from isthmus.errors import InputError
from isthmus.plan import load_recipe
from isthmus.runs import load_data
from isthmus.training.loop import Epoch

CIFAR10 = ROOT.parent / "shared" / "data" / "cifar10-exact"
EVERY = 10  # steps between looks at the validation error, with the clock stopped


def train_to_the_end(engine: Engine) -> dict[str, Any]:
    """Train until the recipe's own rule stops it; the error is that of the model the recipe keeps."""
    kept: dict[str, Any] = {}
    for event in engine.steps():
        if isinstance(event, Epoch):
            mse = event.log["validation_mse"]
            _say(f"epoch {event.epoch}: validation MSE {mse:.5f}, {engine.progress.seconds:.0f} s")
            if event.best:
                kept = {"best_epoch": event.epoch, "validation_mse": mse}
    progress = engine.progress
    return {**kept, "seconds": progress.seconds, "epochs": progress.epoch, "stopped": progress.stopped}


def train_until(engine: Engine, goal: float) -> dict[str, Any]:
    """Train until the validation error is `goal` or less, or to the recipe's end; validation stops the clock."""
    seconds, mse, lowest = 0.0, float("inf"), float("inf")
    begun = time.perf_counter()
    for event in engine.steps():
        if isinstance(event, Epoch):  # the loop has validated since the step before
            begun = time.perf_counter()
        elif event.step % EVERY == 0 or event.step % len(engine.batches) == 0:
            engine.wait()
            seconds += time.perf_counter() - begun
            mse = engine.validation_mse()
            lowest = min(lowest, mse)
            _say(f"step {event.step}: validation MSE {mse:.5f}, {seconds:.1f} s")
            if mse <= goal:
                break
            begun = time.perf_counter()
    return {"validation_mse": mse, "lowest": lowest, "seconds": seconds, "step": event.step, "reached": mse <= goal}


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
    # the same images on both sides: the two recipes set aside different shares of their own
    shared = {**data, "split.validation": 0.05, "train.device": given.device}
    if given.quick:
        shared |= {"split.limit": 256}
    try:
        faithful = load_recipe("post-faithful/latent-10", {**shared, **({"train.epochs": 2} if given.quick else {})})
        better = load_recipe("post/latent-10", shared)
        splits = load_data(better)
    except InputError as error:
        parser.exit(2, f"bench.time_to_quality: {error}\n")

    machine = record.hardware("cpu" if given.device == "auto" else given.device)
    first = prepare(faithful, splits)
    slow = train_to_the_end(first)
    fast = train_until(prepare(better, splits), slow["validation_mse"])
    if not fast["reached"]:
        raise SystemExit(f"post/latent-10 never came to {slow['validation_mse']:.5f}: at best {fast['lowest']:.5f}")
    record.write(
        "time-to-quality",
        "Time to quality: the post's faithful recipe against isthmus's",
        f"The post's faithful latent-10 recipe was trained to its own stopping rule ({slow['stopped']}, after "
        f"{slow['epochs']} epochs); how much sooner does `post/latent-10` come to the same error on the same validation "
        f"images, {slow['validation_mse']:.5f} per pixel value in [0, 1] on 8-bit output? It was looked at every "
        f"{EVERY} steps with the clock stopped and came there at step {fast['step']}. Data: {splits.source}, "
        f"{len(splits.train)} training and {len(splits.validation)} validation images; seed {better.seed}, "
        "one run each. No test image was touched.",
        [
            Measured("post-faithful/latent-10, training", (slow["seconds"],), unit="s"),
            Measured("post/latent-10 to the same error, training", (fast["seconds"],), unit="s"),
            Measured("ratio", (slow["seconds"] / fast["seconds"],), 30),
        ],
        machine=machine,
        details={"faithful": slow, "post": fast, "data_hash": splits.hash},
        out=record.folder(given.quick),
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
