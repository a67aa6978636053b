"""Anomalies among images of other classes: `python -m bench.one_class`.

Each class in turn is the normal one: models are trained on its training images alone, and score the test images of all
classes. For each measure of error there is an AUROC, and `auto` is that of the measure which isthmus chooses without
labels. Beside them stand PCA's error and the distance to the nearest training image. Nothing is tuned on test images.

On CIFAR-10 (`../shared/data`), training and test images are the JPEG copies: only there are 5,000 and 1,000 a class.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import stdtrit
from sklearn.metrics import roc_auc_score

from bench import record
from bench.contest import ROOT
from bench.goals import Measured
from isthmus.core.pixels import blocks
from isthmus.core.values import ImageSet
from isthmus.data.content_hashes import data_hash, hashes_of
from isthmus.data.splits import Splits
from isthmus.evaluation.baselines import pca
from isthmus.evaluation.latents.measure_latents import encode_training
from isthmus.evaluation.measures.mse import Mse
from isthmus.inference.anomaly.choose import choose_measure
from isthmus.inference.anomaly.errors import errors_of, usable
from isthmus.inference.anomaly.latent_distance import latent_reference
from isthmus.inference.anomaly.pixel_neighbours import PixelNeighbours
from isthmus.inference.anomaly.scored_model import load_scored
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.claim import claim
from isthmus.runs.load import load_data
from isthmus.training.in_folder import train_in_folder

DATA = ROOT.parent / "shared" / "data" / "cifar10-jpeg"
MODELS = {"plain": "families/plain", "vae": "families/sigma-vae"}
OTHERS = {"PCA's error": "pca", "pixel neighbours": "neighbours"}
DIGITS = {
    **{"data.kind": "digits", "split.test": 0.4, "split.validation": 0.15},
    **{"architecture.width": 32, "architecture.depth": 1, "train.batch": 32, "bottleneck.dim": 8},
}

Areas = dict[str, float]


def recipe_of(data: str, model: str, epochs: int, seed: int) -> Recipe:
    """The network of `isthmus study families`; a smaller one with 8 numbers for digits."""
    changes: dict[str, Any] = {"train.epochs": epochs, "train.seconds": None, "train.least_steps": 0}
    changes |= {"seed": seed, "train.device": "cpu"}
    changes |= DIGITS if data == "digits" else {"data.kind": "parquet", "data.path": str(DATA)}
    return load_recipe(MODELS[model], changes)


def of_class(splits: Splits, normal: int) -> Splits:
    """The same test images; only the normal class in training and validation."""

    def kept(images: ImageSet) -> ImageSet:
        assert images.labels is not None
        return images.take(np.flatnonzero(images.labels == normal))

    train, validation = kept(splits.train), kept(splits.validation)
    name = data_hash(hashes_of(train), hashes_of(validation), hashes_of(splits.test))
    return replace(splits, train=train, validation=validation, hash=name)


def model_areas(recipe: Recipe, splits: Splits, anomalous: np.ndarray, home: Path) -> tuple[Areas, str]:
    """AUROC by each measure, and by the measure that is chosen without labels; and which that is."""
    with tempfile.TemporaryDirectory(dir=home) as place:
        claim(Path(place), recipe)
        for _ in train_in_folder(recipe, Path(place), splits, home / "cache"):
            pass
        scored, _ = load_scored(Path(place), "cpu")
    reference = latent_reference(encode_training(scored.model, splits).latents.z)
    measures = usable(scored)
    found: dict[str, list[np.ndarray]] = {measure: [] for measure in measures}
    for rows in blocks(splits.test.images):
        seen = errors_of(scored, splits.test.images[rows], measures, reference)
        for measure in measures:
            found[measure].append(seen.errors[measure])
    areas = {measure: _area(anomalous, np.concatenate(found[measure])) for measure in measures}
    choice = choose_measure(scored, splits.validation.images, reference)
    return {**areas, "auto": areas[choice.measure]}, choice.measure


def other_areas(splits: Splits, anomalous: np.ndarray, components: int) -> Areas:
    """AUROC of PCA's error and of the distance to the nearest training image."""
    fitted, nearest = pca.fit(splits.train.images, components), PixelNeighbours(splits.train.images)
    errors: dict[str, list[np.ndarray]] = {"pca": [], "neighbours": []}
    for rows in blocks(splits.test.images):
        images = splits.test.images[rows]
        output = torch.from_numpy(fitted.reconstruct(images, components))
        errors["pca"].append(Mse()(output, torch.from_numpy(images)).numpy())
        errors["neighbours"].append(nearest.distances(images))
    return {name: _area(anomalous, np.concatenate(parts)) for name, parts in errors.items()}


def mean_and_half(values: Sequence[float]) -> tuple[float, float]:
    """Mean over classes, and half of Student's 95 % interval over classes."""
    if len(values) < 2:
        return float(values[0]), math.nan
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return float(np.mean(values)), -float(stdtrit(len(values) - 1, 0.025)) * error


def table(areas: Mapping[str, Sequence[float]], names: Sequence[str], against: str) -> str:
    """One row a method: its mean with interval, its mean over `against`, and each class."""
    lines = [f"| method | mean AUROC | over {against} | {' | '.join(names)} |", "|---" * (3 + len(names)) + "|"]
    for method, values in areas.items():
        mean, half = mean_and_half(values)
        over, apart = mean_and_half([one - other for one, other in zip(values, areas[against], strict=True)])
        beside = "" if method == against else f"{over:+.3f} ± {apart:.3f}"
        cells = " | ".join(f"{value:.3f}" for value in values)
        lines.append(f"| {method} | {mean:.3f} ± {half:.3f} | {beside} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=("cifar10", "digits"), default="cifar10")
    parser.add_argument("--epochs", type=int, help="of each training; by default 10, and 100 on digits")
    parser.add_argument("--classes", type=int, nargs="+", help="only these classes")
    parser.add_argument("--models", nargs="+", choices=tuple(MODELS), default=list(MODELS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="try it out: two classes, two epochs, kept in runs/")
    given = parser.parse_args()
    epochs = given.epochs or (2 if given.quick else 100 if given.data == "digits" else 10)
    machine, begun = record.hardware("cpu"), time.monotonic()
    recipes = {model: recipe_of(given.data, model, epochs, given.seed) for model in given.models}
    whole = load_data(next(iter(recipes.values())))
    assert whole.test.labels is not None
    classes = given.classes or list(range(2 if given.quick else 10))
    names = [whole.class_names[number] if whole.class_names else str(number) for number in classes]
    areas: dict[str, list[float]] = {}
    chosen: dict[str, list[str]] = {model: [] for model in recipes}
    with tempfile.TemporaryDirectory(prefix="isthmus-one-class-") as temporary:
        for number, name in zip(classes, names, strict=True):
            splits, anomalous = of_class(whole, number), whole.test.labels != number
            for model, recipe in recipes.items():
                found, measure = model_areas(recipe, splits, anomalous, Path(temporary))
                chosen[model].append(measure)
                for kind, area in found.items():
                    areas.setdefault(f"{model}, {kind}", []).append(area)
                print(name, model, json.dumps(found), measure, file=sys.stderr, flush=True)
            for method, kind in OTHERS.items():
                areas.setdefault(method, [])
                if kind == "pca":
                    others = other_areas(splits, anomalous, 8 if given.data == "digits" else 64)
                areas[method].append(others[kind])
            print(name, json.dumps(others), file=sys.stderr, flush=True)
    first = f"{given.models[0]}, auto"
    by_class = Measured(f"{first}: AUROC, over {len(classes)} classes", tuple(areas[first]))
    picked = "\n".join(f"Measure that {model} chose, by class: {', '.join(kinds)}." for model, kinds in chosen.items())
    record.write(
        f"one-class-{given.data}",
        f"One class of {given.data} is normal, the others are anomalies",
        "How well do errors of autoencoders tell images of other classes, beside PCA and pixel neighbours, and is the "
        "measure that is chosen without labels a good one?",
        [by_class],
        machine=machine,
        details={
            "classes": names,
            "epochs": epochs,
            "auroc": areas,
            "chosen": chosen,
            "train_images": len(whole.train),
            "test_images": len(whole.test),
            "took_seconds": time.monotonic() - begun,
        },
        out=record.folder(given.quick),
        beside=f"± is half of Student's 95 % interval over the {len(classes)} classes. {len(whole.train):,} training "
        f"and {len(whole.test):,} test images of all classes; {epochs} epochs a training.\n\n"
        f"{table(areas, names, f'{given.models[0]}, mse')}\n\n{picked}",
    )


def _area(anomalous: np.ndarray, errors: np.ndarray) -> float:
    return float(roc_auc_score(anomalous, errors))


if __name__ == "__main__":
    main()
