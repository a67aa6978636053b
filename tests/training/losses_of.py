"""Trains small recipes and notes the loss of every step; run by torchrun, the processes share each batch.

python -m tests.training.losses_of OUT NAME STEPS CHANGES [NAME STEPS CHANGES ...], CHANGES as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.processes import here
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.run_files.state import Progress
from isthmus.runs.load import load_data
from isthmus.training import meter
from isthmus.training.batches import Batches
from isthmus.training.joining import together
from isthmus.training.loop import Epoch, train
from isthmus.training.optimizers import build_optimizer

SMALL: dict[str, Any] = {
    "data.kind": "scenes",
    "data.train": 90,
    "data.test": 10,
    "data.size": 16,
    "split.validation": 0.3,
    "train.batch": 16,
    "train.least_steps": 1,
    "train.device": "cpu",
    "train.precision": "fp32",
    "train.kernels": "torch",
}


def losses_of(name: str, steps: int, changes: dict[str, Any]) -> dict[str, Any]:
    """The loss of each of the first steps of a longer training, and the scores after every epoch."""
    recipe = load_recipe(name, {**SMALL, **changes, "train.epochs": 100, "train.seconds": None})
    return trained(recipe, steps)


def trained(recipe: Recipe, steps: int) -> dict[str, Any]:
    splits = load_data(recipe)
    torch.manual_seed(recipe.seed)
    model = Autoencoder(recipe, splits.train.images.shape[1:])
    model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    objective = build_objective(recipe, model)
    optimizer = build_optimizer(model, recipe.train, objective)
    images, validation = (torch.from_numpy(part.images) for part in (splits.train, splits.validation))
    batches = Batches(images, recipe.train.batch, seed=0, mirror=True, processes=here())
    found: dict[str, Any] = {"losses": [], "epochs": []}
    how = {"precision": "fp32", "kernels": recipe.train.kernels, "seed": recipe.seed, "processes": here()}
    meter.LOG_STEPS = 1
    for event in train(model, objective, optimizer, batches, validation, recipe.train, Progress(), **how):
        if isinstance(event, Epoch):
            found["epochs"].append(event.log)
        elif event.log is not None:
            found["losses"].append({k: v for k, v in event.log.items() if k != "images_per_second"})
            if event.step >= steps and found["epochs"]:
                break
    found["weights"] = [float(weight.detach().double().norm()) for weight in model.state_dict().values()]
    return found


def main() -> None:
    out, *words = sys.argv[1:]
    with together("cpu") as processes:
        torch.set_num_threads(int(__import__("os").environ.get("THREADS", "1")))
        found = {}
        for at in range(0, len(words), 3):
            name, steps, changes = words[at], int(words[at + 1]), json.loads(words[at + 2])
            found[f"{name} {words[at + 2]}"] = losses_of(name, steps, changes)
        if processes.first:
            Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
