"""Reads study files and finds recipes by name: `post/latent-10` is the variation latent-10 of the study post.

A study file has a `[base]` recipe and `[[variation]]`s, each with a name, its changes and the variations to compare it
with. `[budget] seconds` is about how long all runs together may take: a machine that would take longer shortens all
runs by the same share, see `isthmus.runs.time_budget`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.folder_names import check_folder_name, check_not_reserved
from isthmus.core.paths import expanded
from isthmus.core.sorts import PART_TABLES
from isthmus.core.wording import shown
from isthmus.recipes.recipe import Raw, Recipe, apply, as_written_then, read_toml, resolve
from isthmus.run_files.needed_packages import check_packages

MOST_VARIATIONS = 1000
MOST_SEEDS = 1000  # more is a typing error, which would fill the memory
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # names become folders


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _VariationTable(_Table):
    name: str
    about: str = ""
    note: str | None = None
    changes: dict[str, Any] = {}
    compare: str | list[str] = []


class _BudgetTable(_Table):
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class _StudyTable(_Table):
    format: int = 1
    name: str | None = None
    about: str = ""
    seeds: int | list[Annotated[int, Field(ge=0)]] = 1
    budget: _BudgetTable = _BudgetTable()
    base: dict[str, Any]
    variation: Annotated[list[dict[str, Any]], Field(min_length=1)]


@dataclass(frozen=True)
class Variation:
    """One row of a study: the base recipe with some changes.

    compare: the variations it is compared with. note: a sentence shown beside its numbers.
    """

    name: str
    about: str
    note: str | None
    changes: Mapping[str, Any]
    compare: tuple[str, ...]
    raw: Raw

    def recipe(self, seed: int) -> Recipe:
        return resolve({**self.raw, "name": self.name, "seed": seed})


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

    Overrides are applied last, so they hold in every variation; `seeds` is a count or a list.
    Raises InputError where the file is not a study, a comparison names an unknown variation, or overrides
    make two variations the same.
    """
    path, variation = _split(name)
    if variation is not None and (path in builtin() or path.endswith(".toml")):
        raise InputError(f"{name}: a single recipe, not a study; use `isthmus train {name}`")
    raw, stem = _read(name)
    if not {"variation", "base"} & set(raw) and set(PART_TABLES) & set(raw):
        raise InputError(f"{name}: a single recipe, not a study; use `isthmus train {name}`")
    if not raw.get("variation") or "base" not in raw:
        raise InputError(
            f"{name}: not a study; it needs a [base] table, which is a recipe, and a [[variation]] with a name for "
            "each row"
        )
    if isinstance(raw["variation"], list) and len(raw["variation"]) > MOST_VARIATIONS:
        raise InputError(
            f"{name}: {len(raw['variation']):,} variations, and a study has at most {MOST_VARIATIONS:,}; split it"
        )
    changes = _as_asked(overrides or {})
    for option, instead in (("name", "--out chooses the folder"), ("seed", "use seeds=[1,2]")):
        if option in changes:
            raise InputError(f"{option}: has no effect on a study, because each variation has its own; {instead}")
    raw = {**raw, **({"seeds": changes.pop("seeds")} if "seeds" in changes else {})}
    budget = {path: changes.pop(path) for path in tuple(changes) if path.startswith("budget.")}
    raw = apply(raw, budget)
    table = registry.validate(_StudyTable, raw, "")
    rows = [registry.validate(_VariationTable, row, f"variation.{n}") for n, row in enumerate(table.variation, 1)]
    variations = tuple(_variation(table.base, row, changes) for row in rows)
    check_folder_name(table.name or stem, "name")
    _check_names(variations)
    _check_distinct(variations, changes)
    return Plan(table.name or stem, table.about, _seeds(table.seeds), variations, table.budget.seconds)


def load_recipe(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe `name`: `vae`, `post/latent-10`, `my.toml` or `my-study.toml/variation`.

    Raises InputError where there is none, or where the name is that of a whole study.
    """
    path, variation = _split(name)
    raw, stem = _read(path, name)
    if {"variation", "base"} & set(raw):
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


def _variation(base: Raw, row: _VariationTable, overrides: Mapping[str, Any]) -> Variation:
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
                *("train", "split", "objective.weights", "objective.free_nats"),
            }
        )
        flat |= _flat(value, path + ".") if options else {path: value}
    return flat


def _seeds(given: int | list[int]) -> tuple[int, ...]:
    seeds = tuple(range(min(given, MOST_SEEDS + 1))) if isinstance(given, int) else tuple(given)
    if len(seeds) > MOST_SEEDS:
        raise InputError(f"seeds: {given!r} does not fit: a study trains each variation at most {MOST_SEEDS} times")
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError(f"seeds: {given!r} does not fit: give a count of 1 or more, or a list of different seeds")
    return seeds


def _check_names(variations: tuple[Variation, ...]) -> None:
    names = [row.name for row in variations]
    folded = [name.casefold() for name in names]  # some file systems do not distinguish capitals
    for number, row in enumerate(variations, 1):
        option = f"variation.{number}.name"
        check_folder_name(row.name, option)
        if not _NAME.fullmatch(row.name):
            raise InputError(
                f"{option}: {shown(row.name)} does not fit: it becomes a folder's name; begin with a letter from "
                "A to Z or a digit, and use only these, dots, hyphens and underscores"
            )
        check_not_reserved(row.name, option)
        if names.count(row.name) > 1:
            raise InputError(f"two variations are named {row.name!r}; names must differ")
        if folded.count(row.name.casefold()) > 1:
            raise InputError(
                f"variation {row.name!r} differs from another only in capitals; names must differ in letters"
            )
        others = [name for name in names if name != row.name]
        for against in row.compare:
            if against not in others:
                raise InputError(
                    f"variation {row.name!r} is compared with {against!r}, which is not another variation of the "
                    f"study{registry.suggest(against, others)}"
                )
        if len(set(row.compare)) < len(row.compare):
            raise InputError(f"variation {row.name!r}: `compare` names a variation twice; leave one out")


def _check_distinct(variations: tuple[Variation, ...], overrides: Mapping[str, Any]) -> None:
    seen: dict[str, str] = {}
    for row in variations:
        table = repr({**row.recipe(0).table(), "name": ""})
        if table in seen:
            because = f" under {', '.join(overrides)}" if overrides else ""
            raise InputError(
                f"variations {seen[table]!r} and {row.name!r} are the same recipe{because}; "
                "leave out the override, or train one of them with `isthmus train`"
            )
        seen[table] = row.name
