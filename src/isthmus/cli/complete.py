"""What a shell completes: recipes, and the options of recipe tables. Nothing here loads torch, so that it is quick."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import typer


def recipe_names(incomplete: str) -> list[str]:
    """Names of ready-made recipes; after a study's name and `/`, its variations."""
    from isthmus.recipes import study_plan

    names = list(study_plan.builtin())
    study, slash, _ = incomplete.partition("/")
    if slash and study in names:
        _, variations = study_plan.describe(study)
        names = [f"{study}/{variation}" for variation, _ in variations]
    return [name for name in names if name.startswith(incomplete)]


def recipe_options(ctx: typer.Context, incomplete: str) -> list[str]:
    """`tr` -> `train.epochs=` and so on; `bottleneck.kind=` -> each kind; `bottleneck.` -> the options of its kind.

    That kind is the one that was typed before, or that of the recipe, or those of the study.
    """
    typed = [word for word in ctx.params.get("changes") or () if isinstance(word, str)]
    words = [*_options(), *_part_options(ctx.params.get("name"), typed, incomplete)]
    return [word for word in words if word.startswith(incomplete) and ("=" in incomplete or word.endswith("="))]


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


def _part_options(name: object, typed: Sequence[str], incomplete: str) -> list[str]:
    """The options of the part whose table is being typed, read from its source."""
    from isthmus.core import registry
    from isthmus.core.errors import InputError
    from isthmus.core.sorts import PART_TABLES

    table, dot, _ = incomplete.partition(".")
    sort = PART_TABLES.get(table)
    if sort is None or not dot:
        return []
    found: dict[str, None] = {}
    for kind in _kinds(name, typed, table):
        with suppress(InputError):
            found |= dict.fromkeys(registry.described(sort, kind).options)
    return [f"{table}.{option}=" for option in found]


def _kinds(name: object, typed: Sequence[str], table: str) -> list[str]:
    """The kinds of part that `table` can mean; none where neither the words nor the recipe say it."""
    from isthmus.core.errors import InputError
    from isthmus.core.sorts import PART_TABLES, SORTS
    from isthmus.recipes.study_plan import written_kinds

    key = f"{table}.kind="
    if said := [word.removeprefix(key) for word in typed if word.startswith(key)]:
        return said[-1:]
    for file in ("", "/recipe.toml", "/study.toml"):  # the name may be a run's or a study's folder
        with suppress(InputError, OSError):
            if kinds := written_kinds(f"{name}{file}", table):
                return kinds
    usual = SORTS[PART_TABLES[table]].default
    return [] if usual is None else [usual]
