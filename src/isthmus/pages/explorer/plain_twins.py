"""Which models of a page differ only in their training noise."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.recipes.recipe import Raw, Recipe


def plain_twins(recipes: Sequence[Recipe]) -> list[int | None]:
    """For each recipe with noise the place of the same one without, None where there is none or it has no noise.

    A model trained without noise also removes some noise, since noise does not fit into a small latent. Only the
    comparison with this twin shows what a denoiser learned.
    """
    tables = [_without_noise(recipe) for recipe in recipes]

    def twin(recipe: Recipe, table: Raw) -> int | None:
        if recipe.corruption.kind == "none":
            return None
        places = range(len(recipes))
        return next((p for p in places if recipes[p].corruption.kind == "none" and tables[p] == table), None)

    return [twin(recipe, table) for recipe, table in zip(recipes, tables, strict=True)]


def _without_noise(recipe: Recipe) -> Raw:
    return {key: value for key, value in recipe.table().items() if key not in ("name", "seed", "corruption")}
