"""Reads study files and finds recipes by name: `post/latent-10` is the variation latent-10 of the study post.

A study file has a `[base]` recipe, and rows that differ from it: `[[variation]]`s, each with a name, its changes and
the variations to compare it with, and the combinations of a `[grid]`. `[budget] seconds` is about how long all runs
together may take: a machine that would take longer shortens all runs by the same share, see
`isthmus.runs.time_budget`. docs/studies.md says how to write one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from isthmus.core import registry
from isthmus.core.errors import Faults, InputError
from isthmus.core.folder_names import check_folder_name
from isthmus.core.paths import expanded
from isthmus.core.sorts import PART_TABLES
from isthmus.core.wording import shown
from isthmus.recipes.grid import grid_rows
from isthmus.recipes.recipe import Raw, Recipe, apply, as_written_then, read_toml, resolve
from isthmus.recipes.study_checks import check_distinct, check_names, check_paths
from isthmus.recipes.study_tables import MOST_VARIATIONS, StudyTable, VariationTable, read_study, seeds_of
from isthmus.recipes.variation import Variation
from isthmus.run_files.needed_packages import check_packages

_MOST_NAMED = 10  # rows, in a message
_OF_THE_STUDY = ("seeds", "compare", "limit")  # keys that an override sets outside of the base


@dataclass(frozen=True)
class Plan:
    """A study: its variations, and the seeds that each is trained with.

    budget_seconds: for training and evaluating all runs; a machine that would take longer shortens all runs.
    """

    name: str
    about: str
    seeds: tuple[int, ...]
    variations: tuple[Variation, ...]
    budget_seconds: float | None = None


def builtin() -> tuple[str, ...]:
    """Names of the recipes and studies that come with isthmus."""
    folder = resources.files("isthmus") / "recipes"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def describe(name: str) -> tuple[str, list[tuple[str, str]]]:
    """A recipe's or study's `about` text, and (name, about) of each variation."""
    raw, _ = _read(name)
    rows = raw.get("variation", [])
    return raw.get("about", ""), [(row["name"], row.get("about", "")) for row in rows]


def load_plan(name: str, overrides: Mapping[str, Any] | None = None) -> Plan:
    """The study `name`: one that comes with isthmus, or a path to a file.

    Overrides are applied last, so they hold in every variation; `seeds`, `compare`, `limit` and `grid.OPTION` change
    the study itself. Raises InputError where the file is not a study; InputErrors with all its faults where it has
    several, such as options that do not exist and comparisons with an unknown variation.
    """
    raw, stem = _study_of(name)
    changes = _as_asked(overrides or {})
    faults = Faults()
    for option, instead in (("name", "--out chooses the folder"), ("seed", "use seeds=[1,2]")):
        if option in changes:
            faults.add(f"{option}: has no effect on a study, because each variation has its own; {instead}")
    faults.check()
    raw = apply(raw, _of_the_study(raw, changes))
    table, written = read_study(raw, faults)
    seeds: tuple[int, ...] = ()
    with faults.caught():
        seeds = seeds_of(table.seeds)
    rows = [*written, *_rows_of_grid(table, faults)]
    if len(rows) > MOST_VARIATIONS:
        faults.add(f"{len(rows):,} variations, and a study has at most {MOST_VARIATIONS:,}; split it, or set a limit")
        faults.check(name)
    rows = _compared(rows, table, faults)
    variations: list[Variation] = []
    for row in rows:
        with faults.caught(row.name if row is not None else ""):
            if row is not None and isinstance(raw["base"], dict):
                variations.append(_variation(table.base, row, changes))
    with faults.caught():
        check_folder_name(table.name or stem, "name")
    check_names(rows, faults)
    check_distinct(variations, changes, faults)
    if faults:  # there is a next try, and it should not fail at the images
        check_paths(variations, faults)
    _check(faults, name, len(variations))
    return Plan(table.name or stem, table.about, seeds, tuple(variations), table.budget.seconds)


def _of_the_study(raw: Raw, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes to the study itself, which are taken out of `changes`."""
    own = {key: changes.pop(key) for key in tuple(changes) if key in _OF_THE_STUDY or key.startswith("budget.")}
    grid = {path.removeprefix("grid."): changes.pop(path) for path in tuple(changes) if path.startswith("grid.")}
    return {**own, "grid": {**_as_dict(raw.get("grid")), **grid}} if grid else own


def _check(faults: Faults, name: str, rows: int) -> None:
    """Raise what was found. A single fault is one sentence, as for a recipe; of several, the message names the file."""
    several = len(faults.sentences()) > 1
    faults.check(name if several else "", everywhere=rows)


def _study_of(name: str) -> tuple[Raw, str]:
    """The tables of a study, and its name where it gives none. Raises InputError where this is none."""
    path, variation = _split(name)
    if variation is not None and (path in builtin() or path.endswith(".toml")):
        raise InputError(f"{name}: a single recipe, not a study; use `isthmus train {name}`")
    raw, stem = _read(name)
    rows = {"variation", "grid"} & {key for key, value in raw.items() if value}
    if not {"variation", "grid", "base"} & set(raw) and set(PART_TABLES) & set(raw):
        raise InputError(f"{name}: a single recipe, not a study; use `isthmus train {name}`")
    if not rows or "base" not in raw:
        raise InputError(
            f"{name}: not a study; it needs a [base] table, which is a recipe, and a [[variation]] with a name for "
            "each row, or a [grid]"
        )
    if isinstance(raw.get("variation"), list) and len(raw["variation"]) > MOST_VARIATIONS:
        raise InputError(
            f"{name}: {len(raw['variation']):,} variations, and a study has at most {MOST_VARIATIONS:,}; split it"
        )
    return raw, stem


def _rows_of_grid(table: StudyTable, faults: Faults) -> list[VariationTable]:
    if not table.grid and table.limit is not None:
        faults.add("limit: has no effect without a [grid]; leave it out")
    with faults.caught():
        rows = grid_rows(table.grid, table.limit)
        return [VariationTable(name=row.name, about=row.about, changes=dict(row.changes)) for row in rows]
    return []


def _compared(rows: Sequence[VariationTable | None], table: StudyTable, faults: Faults) -> list[VariationTable | None]:
    """The rows, where the study's `compare` is that of each row without one; what it names is not compared."""
    against = [table.compare] if isinstance(table.compare, str) else table.compare
    names = [row.name for row in rows if row is not None]
    unknown = [name for name in against if name not in names]
    for name in unknown if names and None not in rows else ():
        faults.add(
            f"compare: {shown(name)} is no row of the study{registry.suggest(name, names)}; it has {_some(names)}"
        )
    if unknown or not against:
        return list(rows)
    return [
        row if row is None or row.compare or row.name in against else row.model_copy(update={"compare": against})
        for row in rows
    ]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (
        f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    )


def _as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def load_recipe(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe `name`: `vae`, `post/latent-10`, `my.toml` or `my-study.toml/variation`.

    Raises InputError where there is none, or where the name is that of a whole study.
    """
    path, variation = _split(name)
    raw, stem = _read(path, name)
    if {"variation", "grid", "base"} & set(raw):
        plan = load_plan(path)
        names = [row.name for row in plan.variations]
        if variation is None:
            raise InputError(f"{name}: a study of {', '.join(names)}; train one of them, such as {name}/{names[0]}")
        if variation not in names:
            near = registry.suggest(variation, names)
            raise InputError(f"{name}: {path} has no variation {variation!r}{near}; it has {', '.join(names)}")
        row = plan.variations[names.index(variation)]
        raw, stem = row.raw, row.name
    elif variation is not None:
        raise InputError(f"{name}: {path} is a single recipe without variations; use {path}")
    recipe = resolve({"name": stem, **apply(raw, _as_asked(overrides or {}))})
    check_folder_name(recipe.name, "name")
    return recipe


def written_kinds(name: str, table: str) -> list[str]:
    """The kinds of part that the recipe `name`, or the variations of the study `name`, choose in `table`.

    The file is neither checked nor are parts imported. Raises InputError where there is none.
    """
    path, variation = _split(name)
    raw, _ = _read(path, name)
    base, rows = _as_dict(raw.get("base", raw)), raw.get("variation")
    chosen = [_as_dict(row) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    changed = [_flat(_as_dict(row.get("changes"))) for row in chosen if variation in (None, row.get("name"))]
    found = [_as_dict(apply(base, changes).get(table)).get("kind") for changes in changed or [{}]]
    grid = _as_dict(raw.get("grid")).get(f"{table}.kind")
    kinds = grid if isinstance(grid, list) else found
    return list(dict.fromkeys(kind for kind in kinds if isinstance(kind, str)))


def _as_asked(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """An override of the number of epochs turns train.least_steps off: the user gets that many epochs."""
    asked = {"train.least_steps": 0} if "train.epochs" in overrides else {}
    return {**asked, **overrides}


def _split(name: str) -> tuple[str, str | None]:
    if name.endswith(".toml"):
        return name, None
    if ".toml/" in name:
        path, _, variation = name.rpartition(".toml/")
        return path + ".toml", variation
    path, slash, variation = name.partition("/")
    return path, variation if slash else None


def _read(name: str, typed: str | None = None) -> tuple[Raw, str]:
    """typed: what `name` was split from, to be named where there is no such."""
    if name.endswith(".toml"):
        path = expanded(name, "recipe")
        raw = read_toml(path)
        # in a study's folder, isthmus wrote this file, perhaps an earlier version
        if path.name == "study.toml" and (runs := [file.parent for file in path.parent.glob("*/seed-*/recipe.toml")]):
            for run in runs:
                check_packages(run)
            raw = {**raw, "base": as_written_then(raw.get("base"))}
        return raw, path.stem
    if name not in builtin():
        raise InputError(
            f"{typed or name or repr(name)}: no such recipe or study{registry.suggest(name, builtin())}; "
            "`isthmus list recipes` shows all; the name of your own file must end in .toml"
        )
    with resources.as_file(resources.files("isthmus") / "recipes" / f"{name}.toml") as path:
        return read_toml(path), name


def _variation(base: Raw, row: VariationTable, overrides: Mapping[str, Any]) -> Variation:
    changes = _flat(row.changes)
    raw = apply(apply(base, changes), overrides)
    overridden = {path: value for path, value in overrides.items() if path in changes}
    # a note describes the changes in the file: "1 epoch instead of 5" would be wrong with train.epochs=3
    note = None if overridden else row.note
    compare = (row.compare,) if isinstance(row.compare, str) else tuple(row.compare)
    return Variation(row.name, row.about, note, changes | overridden, compare, raw)


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Changes with dotted names: `"bottleneck.dim" = 16` and `bottleneck.dim = 16` mean the same."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        path = f"{prefix}{key}"
        # an empty table is a value: `objective.weights = {}` removes all weights
        options = (
            isinstance(value, dict)
            and value
            and path
            in {
                *PART_TABLES,
                *("train", "split", "model", "objective.weights", "objective.free_nats"),
            }
        )
        flat |= _flat(value, path + ".") if options else {path: value}
    return flat
