"""Selects the remedies that fit a recipe: the changed recipe must be valid and differ from the recipe."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from isthmus.core.errors import InputError
from isthmus.evaluation.doctor.diagnosis import Remedy
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.recipes.recipe import Raw, Recipe, apply, resolve


def changed(recipe: Recipe, remedy: Remedy, image_shape: tuple[int, int, int]) -> Recipe | None:
    """The recipe with a remedy's changes, after a trial build of its model; None where nothing changes.

    Raises InputError where the changes do not fit the recipe.
    """
    other = resolve(apply(recipe.table(), remedy.changes))
    if _without_empty(other.table()) == _without_empty(recipe.table()):
        return None
    if all(path.startswith("train.") for path in remedy.changes):
        return other
    # A linear path has pixels times latent weights, so its model is built on "meta", without memory. Others are not:
    # on "meta", normal draws and spectral norms load a compiler first, which takes seconds.
    device = "cpu" if other.model.linear == "none" else "meta"
    with torch.random.fork_rng(devices=[]):
        with torch.device(device):
            model = Autoencoder(other, image_shape)
        build_objective(other, model)
    return other


def _without_empty(table: Raw) -> Raw:
    """The table without empty tables: a recipe with an empty table of weights equals one without the table."""
    return {
        name: _without_empty(value) if isinstance(value, dict) else value
        for name, value in table.items()
        if value != {}
    }


def fitting(recipe: Recipe, remedies: Iterable[Remedy], image_shape: tuple[int, int, int]) -> list[Remedy]:
    """The remedies that fit `recipe`; a remedy without changes always fits."""
    return [remedy for remedy in remedies if _fits(recipe, remedy, image_shape)]


def _fits(recipe: Recipe, remedy: Remedy, image_shape: tuple[int, int, int]) -> bool:
    if not remedy.changes:
        return True
    try:
        return changed(recipe, remedy, image_shape) is not None
    except InputError:
        return False
