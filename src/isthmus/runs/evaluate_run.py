"""The evaluation of a trained run, and its files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch

import isthmus
from isthmus.core import registry
from isthmus.core.atomic_files import write_bytes
from isthmus.core.errors import InputError, RunError
from isthmus.core.pixels import depth_of
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines.pca_timeline import follow
from isthmus.evaluation.doctor.examine import examine
from isthmus.evaluation.doctor.measure import measure_run
from isthmus.evaluation.evaluate import evaluate
from isthmus.models.build_objective import build_objective
from isthmus.models.processes import here, spread
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.arrays import pictures_bytes, scores_bytes
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import AgainstPca, Checkpoint, Cost
from isthmus.run_files.read import read_record
from isthmus.run_files.start import START_FILE, StartRecord
from isthmus.run_files.state import Progress
from isthmus.run_files.training import TrainingRecord
from isthmus.run_files.write import write_record
from isthmus.runs.anomaly_findings import read_anomalies
from isthmus.runs.load import built_model, load_weights
from isthmus.runs.run_folder import check_data, read_recipe
from isthmus.training import devices

_NEVER_IMPROVED = "Training never improved on its start at PCA, so the weights scored are those before the first step."


def evaluate_run(
    folder: Path,
    splits: Splits,
    cache: Path,
    device: str | None = None,
    *,
    into: Path | None = None,
    source: str = "",
    flags: Sequence[str] = (),
) -> list[str]:
    """Evaluate the best weights of a trained run and write evaluation.json, per_image.parquet, pictures.

    device: by default the recipe's device, or an available one if that is missing.
    into: another folder to write to, for test images that are not the run's own; `source` says where these came from,
        and `flags` are read before the scores.
    Several processes share the images, and the first one writes.
    Returns notices for the user.
    """
    recipe = read_recipe(folder)
    if not os.path.lexists(folder / "training.json"):
        raise RunError(f"{folder}: training has not ended yet; `isthmus train --resume {folder}` goes on")
    environment, training = check_data(folder, splits), read_record(folder / "training.json", TrainingRecord)
    images = splits.train.images
    model = built_model(folder, recipe, images.shape[1:], depth_of(images.dtype))
    place, elsewhere = _where(recipe, device)
    model.to(place)
    objective = build_objective(recipe, model).to(model.device)
    which, progress, notices = load_weights(folder, model, objective)
    notices += [*elsewhere, *_left_out()]
    with spread():
        result = evaluate(model, recipe, splits, cache, objective)
    if not here().first:
        return []
    measured = measure_run(
        model,
        recipe,
        splits,
        result.train,
        result.test.latents,
        result.record,
        folder / "metrics.jsonl",
        steps=training.steps,
        kept=progress.epoch,
        anomalies=read_anomalies(folder, model, objective.distortion),
    )
    failed = list(result.left_out)
    doctor = tuple(examine(measured, failed))
    notices += [f"Left out: {said}." for said in failed]
    evaluation = result.record.model_copy(
        update={
            "isthmus": isthmus.__version__,
            # the run may be of a version that did not write it
            "data": environment.data.model_copy(
                update={
                    "test_hash": splits.test_hash,
                    "test_images": len(splits.test),
                    **({"source": source} if source else {}),
                }
            ),
            "checkpoint": Checkpoint(which=which, step=progress.step, epoch=progress.epoch),
            "flags": (
                *flags,
                *result.record.flags,
                *_begun_with(folder),
                *((_NEVER_IMPROVED,) if progress.epoch == 0 else ()),
            ),
            "against_pca": _followed(result.record.against_pca, folder, training, progress),
            "cost": _with_training(result.record.cost, environment, training),
            "doctor": doctor,
        }
    )
    home = folder if into is None else into
    write_bytes(home / "per_image.parquet", scores_bytes(result.per_image))
    write_bytes(home / "pictures.safetensors", pictures_bytes(result.pictures))
    write_record(home / "evaluation.json", evaluation)  # last: if it exists, all other files exist
    return notices


def _begun_with(folder: Path) -> list[str]:
    """What a reader must know of a run that began with the weights of another run."""
    if not os.path.lexists(folder / START_FILE):
        return []
    start = read_record(folder / START_FILE, StartRecord)
    if start.goes_on:
        return []
    said = f"Its training started with the weights of {start.name} ({start.run}), whose training is not in its cost."
    if not start.same_images:
        said += " Those were trained on other images or another split: some of these test images may be among them."
    return [said]


def _followed(against: AgainstPca, folder: Path, training: TrainingRecord, progress: Progress) -> AgainstPca:
    """Add how the run's validation error compared with PCA's in training; `against` holds PCA's validation error."""
    assert against.validation.pca_mse is not None
    course = follow(folder / "metrics.jsonl", against.validation.pca_mse, epochs=training.epochs, kept=progress.epoch)
    return against.model_copy(update={"validation": course})


def _with_training(cost: Cost, environment: Environment, training: TrainingRecord) -> Cost:
    """Add time, steps and epochs of the training."""
    return cost.model_copy(
        update={
            "train_seconds": training.seconds,
            "images_per_second": training.images_per_second,
            "epochs": training.epochs,
            "best_epoch": training.best_epoch,
            "steps": training.steps,
            "stopped": training.stopped,
            "sentence": training.sentence,
            "device": environment.device,
            "precision": environment.precision,
        }
    )


def _left_out() -> list[str]:
    """A sentence for each measure or check of another package that cannot be used; the evaluation leaves it out."""
    return [f"Left out: {said}." for sort in ("measures", "checks") for said in registry.problems(sort)]


def _where(recipe: Recipe, wanted: str | None) -> tuple[torch.device, list[str]]:
    """The device to evaluate on, and a sentence if it is not the recipe's device."""
    if wanted is not None:
        return devices.choose_device(wanted, "--device"), []
    try:
        return devices.choose_device(recipe.train.device), []
    except InputError:
        place = devices.choose_device("auto")
        return place, [f"{recipe.train.device}, on which it was trained, is not here: evaluated on {place.type}."]
