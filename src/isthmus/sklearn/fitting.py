"""Trains a recipe on rows of X through isthmus's own run folder: in a temporary one, or in one that is kept.

rows --split by content--> train | validation | calibration --scale of train--> train_in_folder --> the best weights
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from isthmus.api.asked import asked_run
from isthmus.api.verbs import train as train_and_show
from isthmus.core.errors import InputError
from isthmus.core.pixels import levels
from isthmus.core.values import Dataset, ImageSet
from isthmus.core.wording import counted
from isthmus.data.given_images import FILES
from isthmus.data.splits import Splits, split
from isthmus.evaluation.baselines import mean_image
from isthmus.recipes.recipe import Recipe
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.claim import claim
from isthmus.runs.load import built_model, load_run_data, load_weights
from isthmus.runs.run_folder import is_begun, read_recipe
from isthmus.sklearn.layout import Layout
from isthmus.sklearn.scale import Scale, scale_of_images, scale_of_rows
from isthmus.sklearn.trained import Trained, placed
from isthmus.training.events import Notice
from isthmus.training.in_folder import train_in_folder
from isthmus.training.loop import Epoch
from isthmus.training.notices import remarks

Changes = Mapping[str, Any]
_IMAGES = next(iter(FILES))
_LEVELS = ("uint8", "uint16")


@dataclass(frozen=True)
class Fitted:
    """trained: the model. calibration: (n, D) rows that neither trained nor chose it. said: sentences for the user."""

    trained: Trained
    calibration: np.ndarray
    said: tuple[str, ...]


# Trainings in threads of one process would draw from one generator of PyTorch in turn, so that a seed would no longer
# give the same bits. scikit-learn's searches use processes unless told otherwise; in threads, fits wait for each other.
_TURN = threading.Lock()


def fit_in_temporary_folder(
    rows: np.ndarray, layout: Layout, name: str, changes: Changes, *, device: str, tell: Callable[[str], object]
) -> Fitted:
    """Train the recipe `name` with its changes on rows (N, D); the folder is removed afterwards.

    tell: gets every notice and a line for every epoch. Raises InputError for a wrong recipe and for too few rows.
    """
    with _TURN, TemporaryDirectory(prefix="isthmus-") as home:
        folder = Path(home) / "run"
        recipe = load_recipe(name, {"data.kind": FILES[_IMAGES], "data.path": str(folder / _IMAGES), **changes})
        parts = _split(rows, layout, recipe)
        train = layout.rows(np.asarray(parts.train.images))
        scale = scale_of_images(train) if layout.are_images else scale_of_rows(train)
        splits = _on(scale, layout, parts)
        claim(folder, recipe)
        held = f"Held out: {len(splits.validation):,} samples for validation, {len(splits.test):,} for calibration."
        said = [held, *([scale.said] if scale.said else []), *remarks(recipe, splits)]
        for sentence in said:
            tell(sentence)
        for event in train_in_folder(recipe, folder, splits, folder):
            if isinstance(event, Notice):
                said.append(event.sentence)
                tell(event.sentence)
            elif isinstance(event, Epoch):
                tell(_of_epoch(event))
        model = built_model(folder, recipe, layout.image_shape, scale.depth)
        load_weights(folder, model)
    trained = Trained(recipe, placed(model, layout, device), scale, layout, _mean(splits))
    return Fitted(trained, layout.rows(np.asarray(parts.test.images)), tuple(said))


def fit_in_run_folder(
    rows: np.ndarray, layout: Layout, name: str, changes: Changes, out: Path, *, device: str, show: bool
) -> Fitted:
    """Train, evaluate and write the report in the folder `out`, as `isthmus.train` does on the same images.

    Raises InputError where X holds no levels of images, or the folder is in use.
    """
    if not layout.are_images or rows.dtype.name not in _LEVELS:
        raise InputError(
            "run_folder: a run folder shows pictures and scores of 8 or 16 bits; pass uint8 or uint16 images, as "
            "(N, H, W, C) or with image_shape, or leave run_folder out"
        )
    if is_begun(out):
        raise InputError(f"run_folder: {out} holds a run already, and each fit is a new one; choose another folder")
    images = rows.reshape(-1, *layout.shape)
    # the levels as they are: not as masks or as a camera's 12 bits, for which isthmus takes some arrays
    exact = {"data.depth": 8 * rows.dtype.itemsize, "data.range": "full", "data.channels": layout.shape[2]}
    asked = asked_run(name, out, {**exact, **changes, "data.layout": "NHWC"}, images)
    with _TURN:
        train_and_show(asked, resume=False, show_progress=show, keep_optimizer=False)
    recipe, splits = read_recipe(out), load_run_data(out)
    scale = scale_of_images(rows[:1])
    assert splits.train.images.dtype == rows.dtype and splits.train.images.shape[1:] == layout.image_shape
    model = built_model(out, recipe, layout.image_shape, scale.depth)
    load_weights(out, model)
    trained = Trained(recipe, placed(model, layout, device), scale, layout, _mean(splits))
    said = tuple(remarks(recipe, splits))
    return Fitted(trained, layout.rows(np.asarray(splits.test.images[: len(splits.test)])), said)


def _split(rows: np.ndarray, layout: Layout, recipe: Recipe) -> Splits:
    """The rows as they are, in three parts: `test` are those for calibration."""
    exact = rows if layout.are_images and rows.dtype.name in _LEVELS else rows.astype(np.float64, copy=False)
    source = f"{counted(len(rows), 'sample')} given to fit"
    images = ImageSet(layout.images(exact))
    return split(Dataset(images, None, source), **recipe.split.model_dump())


def _on(scale: Scale, layout: Layout, parts: Splits) -> Splits:
    """The parts as the pixels of the model. Their hash stays that of the rows."""

    def of(images: ImageSet) -> ImageSet:
        return ImageSet(layout.images(scale.to_pixels(layout.rows(np.asarray(images.images)))))

    # the notices of a split are about test images and their contrast
    return replace(parts, train=of(parts.train), validation=of(parts.validation), test=of(parts.test), notices=())


def _mean(splits: Splits) -> np.ndarray:
    """The mean training image, on the model's scale; levels are rounded, as the evaluator's mean image is."""
    images = splits.train.images
    if images.dtype.kind == "f":
        return 2 * np.asarray(images).mean(axis=0, dtype=np.float64) - 1
    return mean_image.fit(images).pixels / (levels(images.dtype) / 2) - 1.0


def _of_epoch(event: Epoch) -> str:
    shown: Iterable[str] = (
        f"{words} {event.log[key]:.5g}"
        for key, words in (("train_loss", "training loss"), ("validation_loss", "validation loss"))
        if key in event.log
    )
    return f"epoch {event.epoch}: {', '.join(shown)}{' (best)' if event.best else ''}"
