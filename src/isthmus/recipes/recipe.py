"""Recipes: what to train, as TOML tables in which every choice has a name.

A recipe has one table per part (`data`, `corruption`, `architecture`, `bottleneck`, `prior`, `objective`, `distortion`,
`regularizer`), each with its `kind` and options, and the tables `split`, `model` and `train`. Resolving fills in
every default.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel

from isthmus.core import registry
from isthmus.core.bounded_reading import check_bounds, parse_toml, read_bytes, reason
from isthmus.core.errors import Faults, InputError
from isthmus.core.paths import expanded
from isthmus.core.sorts import PART_TABLES, SORTS
from isthmus.core.wording import shown
from isthmus.recipes.options import TABLES, Model, Split, Train

FORMAT = 1
PATHS = ("path", "test", "label_file")  # options of data sets that are paths, as `data/interfaces.py` says
Raw = dict[str, Any]
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Part:
    """One part's kind and all its options, checked."""

    kind: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A resolved recipe: it is all that rerunning a run needs."""

    name: str
    seed: int
    data: Part
    split: Split
    corruption: Part
    architecture: Part
    bottleneck: Part
    prior: Part
    objective: Part
    distortion: Part
    regularizer: Part
    model: Model
    train: Train

    def table(self) -> Raw:
        """The recipe as nested tables; options that are None are left out, as TOML has no null."""
        table: Raw = {"format": FORMAT, "name": self.name, "seed": self.seed}
        for name in ("data", "split", *(part for part in PART_TABLES if part != "data"), "model", "train"):
            value = getattr(self, name)
            chosen = {"kind": value.kind, **value.options} if isinstance(value, Part) else value.model_dump()
            table[name] = {key: option for key, option in chosen.items() if option is not None}
        return table

    def with_threads(self, count: int | None) -> Recipe:
        """The same recipe on `count` CPU threads."""
        return replace(self, train=self.train.model_copy(update={"threads": count}))

    def toml(self) -> str:
        return tomli_w.dumps(self.table())


def read_toml(path: Path, remedy: str = "") -> Raw:
    """A TOML file of a format this version reads.

    remedy: what to do where the file is damaged; by default, to correct it.
    Raises InputError where the file is missing, not TOML, or written by a newer version.
    """
    try:
        raw = parse_toml(read_bytes(path).decode("utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); {remedy or 'check the path'}") from None
    except ValueError as error:  # invalid TOML or UTF-8
        raise InputError(f"{path}: not a TOML file ({reason(error)}); {remedy or 'correct it'}") from None
    _check_format(raw, f"{path}: ")
    return raw


def _check_format(raw: Raw, where: str = "") -> None:
    """Raise InputError where a file or an option asks for a format that this version does not read."""
    found = raw.get("format", FORMAT)
    if isinstance(found, bool) or not isinstance(found, int) or found > FORMAT:
        raise InputError(
            f"{where}format {shown(found)} is from a newer isthmus; this one reads format {FORMAT}: upgrade isthmus"
        )


def as_written_then(raw: Any) -> Any:
    """A recipe that an earlier version resolved, with later options set so that it still means the same.

    Only options whose default changes what such a recipe does: earlier versions did not use folders named `validation`,
    read every picture as three channels of 8 bits, and scaled 16 bits from 0 to 65,535.
    """
    data = raw.get("data") if isinstance(raw, dict) else None
    if not isinstance(data, dict):
        return raw  # `resolve` checks it
    then: Raw = {}
    if data.get("kind") in ("folder", "parquet") and "splits" not in data:
        then |= {"splits": "train-test"}
    # of a study's base, some may be in its variations
    if data.get("kind") in ("folder", "parquet", "arrays") and not {"channels", "depth", "fit"} & data.keys():
        then |= {"channels": 3, "depth": 8, "fit": "crop", "range": "full"}
    if data.get("kind") == "arrays" and "layout" not in data:
        then |= {"layout": "NCHW"}
    return {**raw, "data": {**then, **data}} if then else raw


def parse_overrides(words: Iterable[str]) -> dict[str, Any]:
    """`["bottleneck.dim=16", "data.kind=scenes"]` -> dotted path to value; a value is TOML or a bare word."""
    changes: dict[str, Any] = {}
    for word in words:
        path, equals, text = word.partition("=")
        if not equals or not path:
            raise InputError(f"{shown(word)}: an override is written option.path=value, such as bottleneck.dim=16")
        if path.strip() in changes:
            raise InputError(f"{path.strip()}: given twice; leave one out")
        changes[path.strip()] = _value(path, text.strip())
    return changes


def apply(raw: Raw, changes: Mapping[str, Any]) -> Raw:
    """A copy of `raw` with the dotted `changes` made.

    A changed `kind` removes the old kind's options, so kinds are changed first: the new part starts from its defaults.
    """
    try:
        check_bounds(dict(changes))
    except ValueError as error:
        raise InputError(f"options: {reason(error)}; write a simpler value") from None
    changed = copy.deepcopy(raw)
    for path, value in sorted(changes.items(), key=lambda item: not item[0].endswith(".kind")):
        *tables, option = path.split(".")
        table = changed
        for name in tables:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise InputError(f"{path}: {name} is a value, not a table; leave out the part after {name}")
        if option == "kind" and table.get("kind") != value:
            table.clear()
        table[option] = value
    return changed


def resolve(raw: Raw) -> Recipe:
    """Check a recipe's tables and fill in every default.

    Raises InputError naming the option's dotted path, its value and the remedy.
    """
    faults = Faults()
    known = {"format", "name", "about", "seed", *TABLES, *PART_TABLES}
    for name in raw:
        if name not in known:
            faults.add(_unknown(name, known))
    _check_format(raw)
    name, seed = raw.get("name", "recipe"), registry.whole(raw.get("seed", 0))
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**31:
        faults.add(f"seed: {shown(seed)} does not fit: give a whole number from 0 to 2147483647")
    if not isinstance(name, str) or name in ("", ".", "..") or {"/", "\0"} & set(name):
        faults.add(f"name: {shown(name)} does not fit: it becomes a folder's name; use letters and digits")
    tables: dict[str, Any] = {}
    for table in PART_TABLES:
        with faults.caught():
            tables[table] = _part(table, raw.get(table))
    for table, options in TABLES.items():
        with faults.caught():
            tables[table] = _checked_options(table, options, raw)
    faults.check()
    recipe = Recipe(name=name, seed=seed, **tables)
    _refuse_unused_options(recipe)
    return recipe


def _unknown(name: str, known: set[str]) -> str:
    """What to say of a word outside of the tables that no recipe has."""
    places = [f"{table}.{name}" for table, options in TABLES.items() if name in options.model_fields]
    if places:
        return f"{name}: unknown outside of the tables of a recipe; write {' or '.join(places)}"
    return f"{name}: unknown in a recipe{registry.suggest(name, known)}; it has {', '.join(sorted(known))}"


def _checked_options(name: str, table: type[M], raw: Raw) -> M:
    """The table `split`, `model` or `train`. Raises InputError, which says where the recipe's own options stand."""
    given = _as_table(name, raw.get(name, {}))
    for option in ("seed", "name"):
        if option in given and option not in table.model_fields:
            raise InputError(f"{name}.{option}: unknown; it stands outside of the tables, write {option}=...")
    return registry.validate(table, given, name)


def _refuse_unused_options(recipe: Recipe) -> None:
    """Raise InputError for an option that was set but has no effect."""
    train = recipe.train
    for option, acts, needs in (
        ("matrix_scale", train.optimizer == "muon", "train.optimizer=muon"),
        ("linear_scale", recipe.model.linear != "none", "model.linear=pca"),
    ):
        if not acts and getattr(train, option) != Train.model_fields[option].default:
            raise InputError(f"train.{option}: has no effect without {needs}; set that too, or leave it out")


def _part(table: str, given: Any) -> Part:
    sort = PART_TABLES[table]
    default = SORTS[sort].default
    if given is None and default is None:
        raise InputError(f"{table}: the recipe has no [{table}] table; add one with a kind")
    options = dict(_as_table(table, {} if given is None else given))
    kind = options.pop("kind", default)
    if not isinstance(kind, str):
        raise InputError(f"{table}.kind: needs the name of one of {', '.join(registry.kinds(sort))}")
    options = registry.check(sort, kind, options)
    if table == "data":
        paths = {key: _absolute(options[key], f"data.{key}") for key in PATHS if key in options}
        options = {key: paths.get(key, value) for key, value in options.items()}
    return Part(kind, options)


def _absolute(value: Any, name: str) -> Any:
    """Paths are stored as absolute paths, so that a run can be rerun from any folder."""
    if isinstance(value, str):
        return os.path.abspath(expanded(value, name))
    return [_absolute(item, name) for item in value] if isinstance(value, list) else value


def _as_table(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name}: {shown(value)} does not fit: give a table of options, such as {name}.kind=...")
    return value


def _value(path: str, text: str) -> Any:
    try:
        table = parse_toml(f"value = {text}")
        if len(table) > 1:
            raise ValueError("is more than one value")
        return table["value"]
    except TOMLDecodeError:
        if not text or text[0] in "[{\"'":
            wanted = "write a value" if not text else "write lists as [1, 2] and text in quotes"
            raise InputError(f"{path}: {shown(text)} is not a value; {wanted}") from None
        return text
    except ValueError as error:
        raise InputError(f"{path}: {shown(text)} {reason(error)}; write a simpler value") from None
