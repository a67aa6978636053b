"""A model and its objective before the first step."""

from __future__ import annotations

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.pixels import Depth
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.interfaces import Objective
from isthmus.models.seeding import drawing
from isthmus.recipes.recipe import Recipe


def untrained(recipe: Recipe, image_shape: tuple[int, int, int], depth: Depth = 8) -> tuple[Autoencoder, Objective]:
    """All that training will change, on the CPU: a function of the recipe and its seed, whatever was drawn before.

    image_shape, depth: as in `Autoencoder`.

    Raises InputError where a part would have nothing to do. (Runs that earlier versions trained so are still read.)
    """
    with drawing("weights", recipe.seed):
        model = Autoencoder(recipe, image_shape, depth)
    with drawing("objective", recipe.seed):
        objective = build_objective(recipe, model)
    if objective.needs_mask and not model.corruption.hides:
        hiding = [kind for kind in registry.kinds("corruptions") if registry.find("corruptions", kind).hides]
        raise InputError(
            f"objective.kind: {recipe.objective.kind!r} is the error of hidden pixels, and corruption "
            f"{recipe.corruption.kind!r} hides none; set corruption.kind={' or '.join(hiding)} or another objective"
        )
    return model, objective
