"""How far below PCA's error a model comes in ten minutes a latent size: `make quality`, `make quality-gpu`.

Every size is one run of `isthmus study quality`, with as many epochs as fit into the minutes on this machine. Only the
evaluator sees its test images, once, at the end.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import record
from bench.contest import ROOT
from bench.goals import Measured
from isthmus.core.errors import InputError
from isthmus.core.paths import cache_folder
from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.run_files.write import as_json
from isthmus.runs.load import load_data
from isthmus.runs.run import Done, run
from isthmus.training.devices import choose_device
from isthmus.training.in_folder import train_in_folder
from isthmus.training.loop import Epoch, Step

DATA = ROOT.parent / "shared" / "data"
# size -> goal on two CPU cores, goal on one GPU, and the best published error over its PCA's (None: none known).
# Published: UvA deep-learning tutorial 9, 500 epochs; its errors over PCA's on the same original test images.
GOALS = {
    10: (0.93, 0.80, None),
    64: (0.95, 0.80, 0.85),
    128: (0.95, 0.75, 0.79),
    256: (0.97, 0.72, 0.76),
    384: (0.98, 0.72, 0.75),
    512: (0.99, 0.80, None),
}
WARM_STEPS, TRIED_SECONDS = 20, 15.0


def epochs_for(seconds: float, images_per_second: float, images: int) -> int:
    """The number of whole epochs that fit into `seconds`, at least one."""
    return max(1, int(seconds * images_per_second / images))


def speed(recipe: Recipe, splits: Splits) -> float:
    """Training images per second of the recipe on this machine, from a short trial."""
    begun, images = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for event in train_in_folder(recipe, Path(folder), splits, cache_folder()):
            if not isinstance(event, Step):
                continue
            if event.step <= WARM_STEPS:
                begun = time.perf_counter()
                continue
            images += event.images
            if event.log is not None and time.perf_counter() - begun > TRIED_SECONDS:
                break
    return images / (time.perf_counter() - begun)


def measure(recipe: Recipe, splits: Splits, folder: Path) -> dict[str, Any]:
    """Train and evaluate in `folder`; resumes an interrupted run. Returns the evaluation."""
    for event in run(recipe, folder, splits, cache_folder()):
        if isinstance(event, Epoch):
            print(
                f"{recipe.name}: epoch {event.epoch}: mean PSNR {event.log['validation_image_psnr']:.2f} dB",
                file=sys.stderr,
            )
        elif isinstance(event, Done):
            return as_json(event.evaluation)
    raise AssertionError("a run ends with its evaluation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, nargs="+", default=[DATA / "cifar10-jpeg", DATA / "cifar10-exact"])
    parser.add_argument("--test", type=Path, default=DATA / "cifar10-exact")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--minutes", type=float, default=10.0, help="of training, a latent size")
    parser.add_argument("--latents", type=int, nargs="+", default=list(GOALS), choices=list(GOALS))
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "quality", help="run folders")
    parser.add_argument("--quick", action="store_true", help="try it out: numbers without worth, kept in runs/")
    given = parser.parse_args()
    data = {"data.kind": "parquet", "data.path": [str(path) for path in given.train], "data.test": str(given.test)}
    shared: dict[str, Any] = {**data, "train.device": given.device}
    if given.quick:
        shared |= {"split.limit": 512}
    try:
        on_gpu = choose_device(given.device).type == "cuda"
        study = "quality-gpu" if on_gpu else "quality"
        recipes = {size: load_recipe(f"{study}/latent-{size}", shared) for size in given.latents}
        splits = load_data(next(iter(recipes.values())))
    except InputError as error:
        parser.exit(2, f"bench.quality: {error}\n")
    machine = record.hardware("cuda" if on_gpu else "cpu")
    rows: list[Measured] = []
    lines = ["| latent | epochs | images/s | training | MSE | PCA's | over PCA | best published |", "|" + "---|" * 8]
    evaluations: dict[int, Any] = {}
    for size, recipe in recipes.items():
        folder = given.out / f"latent-{size}"
        if (folder / "recipe.toml").exists():
            epochs = load_recipe(str(folder / "recipe.toml"), {}).train.epochs
        else:
            epochs = epochs_for(given.minutes * 60, speed(recipe, splits), len(splits.train))
        recipe = replace(recipe, train=recipe.train.model_copy(update={"epochs": epochs}))
        evaluations[size] = found = measure(recipe, splits, folder)
        ratio, cost = found["against_pca"]["mse_ratio"], found["cost"]
        _, _, published = GOALS[size]
        rows.append(Measured(f"latent {size}: MSE over PCA's", (ratio,), GOALS[size][on_gpu], at_least=False))
        lines.append(
            f"| {size} | {epochs} | {cost['images_per_second']:.0f} | {cost['train_seconds'] / 60:.1f} min | "
            f"{found['scores']['model']['mse']['mean']:.6f} | {found['scores']['pca']['mse']['mean']:.6f} | "
            f"**{ratio:.3f}** | {published or 'none'} |"
        )
    record.write(
        study,
        "Quality: the error over PCA's at the same latent size",
        f"How far below PCA's error does `{study}` come in {given.minutes:g} minutes of training a size? Trained on "
        f"{len(splits.train)} images, measured on {len(splits.test)} original test images on 8-bit output "
        f"({splits.source}); PCA is fitted on the same training images; one seed.",
        rows,
        machine=machine,
        details={"evaluations": json.loads(json.dumps(evaluations)), "data_hash": splits.hash},
        out=record.folder(given.quick),
        beside="\n".join(lines),
    )


if __name__ == "__main__":
    main()
