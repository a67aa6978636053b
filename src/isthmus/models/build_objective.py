"""The objective of a recipe, built for its model."""

from __future__ import annotations

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.pixels import levels
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import Distortion, Objective, Regularizer
from isthmus.recipes.recipe import Recipe


def build_objective(recipe: Recipe, model: Autoencoder) -> Objective:
    """The recipe's objective, its weights checked against the penalties the bottleneck reports.

    Raises InputError for a penalty without a weight and for a weight without a penalty: neither is ignored silently.
    """
    distortion: Distortion = registry.build("distortions", recipe.distortion.kind, recipe.distortion.options)
    distortion.set_levels(levels(model.pixel_type))
    regularizer: Regularizer = registry.build(
        "regularizers", recipe.regularizer.kind, recipe.regularizer.options, model.latent_shape, model.image_shape
    )
    objective: Objective = registry.build(
        "objectives", recipe.objective.kind, recipe.objective.options, distortion, regularizer
    )
    regularizer.check(model)
    penalties = model.bottleneck.penalties
    for name in penalties:
        if name not in objective.weights and name not in objective.handles:
            raise InputError(
                f"objective.weights: no weight for the penalty {name!r} of bottleneck "
                f"{recipe.bottleneck.kind!r}; set objective.weights.{name}=1.0 (0.0 to leave it out)"
            )
    for name in objective.weights:
        if name not in penalties:
            raise InputError(
                f"objective.weights.{name}: bottleneck {recipe.bottleneck.kind!r} reports no such penalty; "
                f"it reports {', '.join(penalties) or 'none'}"
            )
    return objective
