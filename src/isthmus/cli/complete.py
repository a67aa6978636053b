"""What a shell completes: recipes, and the options of recipe tables. Nothing here loads torch, so that it is quick."""

from __future__ import annotations

from collections.abc import Iterator


def recipe_names(incomplete: str) -> list[str]:
    """Names of ready-made recipes; after a study's name and `/`, its variations."""
    from isthmus.recipes import study_plan

    names = list(study_plan.builtin())
    study, slash, _ = incomplete.partition("/")
    if slash and study in names:
        _, variations = study_plan.describe(study)
        names = [f"{study}/{variation}" for variation, _ in variations]
    return [name for name in names if name.startswith(incomplete)]


def recipe_options(incomplete: str) -> list[str]:
    """`tr` -> `train.epochs=` and so on; `bottleneck.kind=` -> each kind."""
    return [word for word in _options() if word.startswith(incomplete) and ("=" in incomplete or word.endswith("="))]


def _options() -> Iterator[str]:
    from isthmus.core import registry
    from isthmus.core.sorts import PART_TABLES
    from isthmus.recipes.recipe import Model, Split, Train

    yield "seed="
    for table, options in (("train", Train), ("model", Model), ("split", Split)):
        yield from (f"{table}.{name}=" for name in options.model_fields)
    for table, sort in PART_TABLES.items():
        yield f"{table}.kind="
        yield from (f"{table}.kind={kind}" for kind in registry.kinds(sort))
