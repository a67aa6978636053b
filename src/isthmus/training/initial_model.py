"""A model and its objective before the first step."""

from __future__ import annotations

from torch import nn

from isthmus.models.autoencoder import Autoencoder, build_objective
from isthmus.models.seeding import drawing
from isthmus.recipes.recipe import Recipe


def untrained(recipe: Recipe, image_shape: tuple[int, int, int]) -> tuple[Autoencoder, nn.Module]:
    """All that training will change, on the CPU: a function of the recipe and its seed, whatever was drawn before."""
    with drawing("weights", recipe.seed):
        model = Autoencoder(recipe, image_shape)
    with drawing("objective", recipe.seed):
        return model, build_objective(recipe, model)
