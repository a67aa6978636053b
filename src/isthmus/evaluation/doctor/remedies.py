"""Which remedies fit a recipe: only what can be built, and is not so already."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from isthmus.core.errors import InputError
from isthmus.evaluation.doctor.diagnosis import Remedy
from isthmus.models.autoencoder import Autoencoder, build_objective
from isthmus.recipes.recipe import Raw, Recipe, apply, resolve


def changed(recipe: Recipe, remedy: Remedy, image_shape: tuple[int, int, int]) -> Recipe | None:
    """The recipe with a remedy's changes, its model built to see that it can be; None where it is the same.

    Raises InputError where the changes do not fit the recipe.
    """
    other = resolve(apply(recipe.table(), remedy.changes))
    if _without_empty(other.table()) == _without_empty(recipe.table()):
        return None
    if all(path.startswith("train.") for path in remedy.changes):
        return other
    # without memory where it could take much: a linear path has pixels times latent weights. Not always: on "meta",
    # normal draws and spectral norms load a compiler first, for seconds
    device = "cpu" if other.model.linear == "none" else "meta"
    with torch.random.fork_rng(devices=[]):
        with torch.device(device):
            model = Autoencoder(other, image_shape)
        build_objective(other, model)
    return other


def _without_empty(table: Raw) -> Raw:
    """No weights and an empty table of weights are the same recipe."""
    return {
        name: _without_empty(value) if isinstance(value, dict) else value
        for name, value in table.items()
        if value != {}
    }


def fitting(recipe: Recipe, remedies: Iterable[Remedy], image_shape: tuple[int, int, int]) -> list[Remedy]:
    """Those that a run of `recipe` could take; one without changes is always such."""
    return [remedy for remedy in remedies if _fits(recipe, remedy, image_shape)]


def _fits(recipe: Recipe, remedy: Remedy, image_shape: tuple[int, int, int]) -> bool:
    if not remedy.changes:
        return True
    try:
        return changed(recipe, remedy, image_shape) is not None
    except InputError:
        return False
