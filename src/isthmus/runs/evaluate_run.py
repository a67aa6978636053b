"""The evaluation of a trained run, and the files that keep it."""

from __future__ import annotations

from pathlib import Path

import torch

import isthmus
from isthmus.core.atomic_files import write_bytes, write_json
from isthmus.core.errors import InputError, RunError
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.pca_timeline import follow
from isthmus.evaluation.doctor.examine import examine
from isthmus.evaluation.doctor.measure import measure_run
from isthmus.evaluation.evaluate import evaluate
from isthmus.models.autoencoder import build_objective
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.arrays import pictures_bytes, scores_bytes
from isthmus.run_files.read import read_record
from isthmus.run_files.training import TrainingRecord
from isthmus.runs.load import built_model, load_weights
from isthmus.runs.run_folder import check_data, is_trained, read_recipe
from isthmus.training import devices

_NEVER_IMPROVED = "Training never improved on its start at PCA, so the weights scored are those before the first step."


def evaluate_run(folder: Path, splits: Splits, cache: Path, device: str | None = None) -> list[str]:
    """Evaluate the best weights of a trained run and write evaluation.json, per_image.parquet, pictures.

    device: by default the recipe's, or what is here where it names one that is not.
    Returns sentences the user should read.
    """
    recipe = read_recipe(folder)
    if not is_trained(folder):
        raise RunError(f"{folder}: training has not ended yet; `isthmus train --resume {folder}` goes on")
    environment, training = check_data(folder, splits), read_record(folder / "training.json", TrainingRecord)
    model = built_model(folder, recipe, splits.train.images.shape[1:])
    place, elsewhere = _where(recipe, device)
    model.to(place)
    objective = build_objective(recipe, model).to(model.device)
    which, progress, notices = load_weights(folder, model, objective)
    notices += elsewhere
    result = evaluate(model, recipe, splits, cache, objective)
    measured = measure_run(
        model,
        recipe,
        splits,
        result.learnt,
        result.tested.latents,
        result.summary,
        folder / "metrics.jsonl",
        steps=training.steps,
        kept=progress.epoch,
    )
    against_pca = result.summary["against_pca"]
    pca_mse = against_pca["validation"]["pca_mse"]
    course = follow(folder / "metrics.jsonl", pca_mse, epochs=training.epochs, kept=progress.epoch)
    extra = {
        "train_seconds": training.seconds,
        "device": environment.device,
        "precision": environment.precision,
        **training.model_dump(exclude={"seconds"}),
    }
    summary = {
        "format": 1,
        "isthmus": isthmus.__version__,
        "name": recipe.name,
        "seed": recipe.seed,
        "data": environment.data.model_dump(),
        "checkpoint": {"which": which, "step": progress.step, "epoch": progress.epoch},
        **result.summary,
        "flags": [*result.summary["flags"], *([_NEVER_IMPROVED] if progress.epoch == 0 else [])],
        "against_pca": {**against_pca, "validation": course.model_dump(exclude_unset=True)},
        "cost": {**result.summary["cost"], **extra},
        "doctor": [one.as_dict() for one in examine(measured)],
    }
    write_bytes(folder / "per_image.parquet", scores_bytes(result.per_image))
    write_bytes(folder / "pictures.safetensors", pictures_bytes(result.pictures))
    write_json(folder / "evaluation.json", summary)  # last: its presence means that all is there
    return notices


def _where(recipe: Recipe, wanted: str | None) -> tuple[torch.device, list[str]]:
    """The device to evaluate on, and a sentence where it is not the one that the recipe names."""
    if wanted is not None:
        return devices.choose_device(wanted), []
    try:
        return devices.choose_device(recipe.train.device), []
    except InputError:
        place = devices.choose_device("auto")
        return place, [f"{recipe.train.device}, on which it was trained, is not here: evaluated on {place.type}."]
