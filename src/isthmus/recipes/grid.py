"""The `[grid]` of a study file: options with lists of values, and one row for each combination.

    [grid]
    "bottleneck.kind" = ["vector", "top_k"]
    "bottleneck.dim" = [16, 64]

makes the rows vector-dim-16, vector-dim-64, top_k-dim-16 and top_k-dim-64. Options that belong together are a list of
tables, under a name of one's own:

    family = [
        { name = "plain", "bottleneck.kind" = "vector" },
        { name = "vae", "bottleneck.kind" = "gaussian", "objective.weights.kl" = 1.0 },
    ]
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.core import registry, streams
from isthmus.core.errors import Faults, InputError
from isthmus.core.option_words import toml_text
from isthmus.core.sorts import PART_TABLES
from isthmus.core.wording import shown
from isthmus.recipes.options import TABLES
from isthmus.recipes.study_tables import MOST_VARIATIONS

_TABLES = frozenset({*PART_TABLES, *TABLES})
_LONGEST_NAME = 80
_MOST_WRITTEN = 10**18
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class GridRow:
    """One combination: a name that says its values, a sentence that does, and the changes to the base."""

    name: str
    about: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class _Choice:
    """One value of an option, or one table of options that belong together."""

    name: str
    changes: Mapping[str, Any]


def grid_rows(grid: Mapping[str, Any], limit: int | None) -> list[GridRow]:
    """The rows of a grid, in the order of its lists: the last option changes fastest.

    limit: take that many of them, drawn at random, the same ones every time.
    Raises InputError for a grid of too many combinations, and for options without a list of different values.
    """
    axes = _axes(grid)
    if not axes:
        return []
    total = math.prod(map(len, axes))
    if limit is None and total > MOST_VARIATIONS:
        sizes = " x ".join(str(len(one)) for one in axes)
        # Python writes no number of more than 4,300 digits, and nobody reads one of twenty
        count = f"{total:,} combinations ({sizes})" if total < _MOST_WRITTEN else "far too many combinations"
        raise InputError(
            f"grid: {count}, and a study has at most {MOST_VARIATIONS:,} rows; take values "
            "out, or let some be drawn at random: limit=50, on the command line or as `limit = 50` above [base]"
        )
    chosen = list(itertools.product(*axes)) if limit is None or limit >= total else _drawn(axes, limit)
    changes = [{path: value for choice in row for path, value in choice.changes.items()} for row in chosen]
    abouts = [", ".join(f"{path} = {toml_text(value)}" for path, value in one.items()) for one in changes]
    return list(map(GridRow, _names(chosen), abouts, changes))


def _axes(grid: Mapping[str, Any]) -> list[list[_Choice]]:
    """The choices of every option. `[grid.bottleneck] dim = [...]` means the same as `"bottleneck.dim" = [...]`."""
    faults, given = Faults(), dict[str, Any]()
    for path, values in _flat(grid):
        with faults.caught():
            _check_list(path, values)
            if path in given:
                raise InputError(f"grid.{path}: given twice; leave one out")
            given[path] = values
    last = Counter(path.rpartition(".")[2] for path in given)
    axes: list[list[_Choice]] = []
    for path, values in given.items():
        short = path if last[path.rpartition(".")[2]] > 1 else path.rpartition(".")[2]
        with faults.caught():
            if path.partition(".")[0] in _TABLES:
                axes.append([_Choice(_named(path, short, value), {path: value}) for value in values])
            else:
                axes.append([_group(f"grid.{path}.{number}", value) for number, value in enumerate(values, 1)])
    for path, times in Counter(path for axis in axes for path in {key for one in axis for key in one.changes}).items():
        if times > 1:  # the last would win, and the rows would be called what they are not
            faults.add(f"grid: {times} of its lists set {path}, and only one of them can; leave it out of the others")
    faults.check()
    return axes


def _check_list(path: str, values: Any) -> None:
    if path in ("seed", "seeds", "name"):
        raise InputError(f"grid.{path}: is no option of a grid; write seeds = [1, 2] above [base]")
    if not isinstance(values, list):
        raise InputError(f"grid.{path}: {shown(values)} is one value, and a grid needs lists: [{toml_text(values)}]")
    if not values:
        raise InputError(f"grid.{path}: has no values; write at least one, or leave it out")
    if len({toml_text(value) for value in values}) < len(values):
        raise InputError(f"grid.{path}: {shown(values)} holds a value twice; leave one out")
    if path.partition(".")[0] not in _TABLES and not all(isinstance(value, dict) for value in values):
        raise InputError(
            f"grid.{path}: unknown{registry.suggest(path.partition('.')[0], _TABLES)}; an option of a grid begins with "
            f"one of {', '.join(sorted(_TABLES))}, and a name of your own needs a list of tables"
        )


def _group(place: str, table: Mapping[str, Any]) -> _Choice:
    """Options that belong together. Raises InputError where their name or an option's place is wrong."""
    changes = {path: value for path, value in table.items() if path != "name"}
    for path in changes:
        if path.partition(".")[0] not in _TABLES:
            known = ", ".join(sorted(_TABLES))
            raise InputError(f"{place}.{path}: unknown{registry.suggest(path, _TABLES)}; begin with one of {known}")
    name = table.get("name", "-".join(_named(path, path.rpartition(".")[2], value) for path, value in changes.items()))
    if not isinstance(name, str) or not _UNFIT.sub("-", name).strip("-"):
        raise InputError(f"{place}.name: {shown(name)} does not fit: use letters and digits")
    return _Choice(_UNFIT.sub("-", name), changes)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _drawn(axes: Sequence[Sequence[_Choice]], count: int) -> list[tuple[_Choice, ...]]:
    """`count` different combinations, in the grid's order."""
    draw = random.Random(streams.sealed("grid"))
    found = set[tuple[int, ...]]()
    while len(found) < count:
        found.add(tuple(draw.randrange(len(axis)) for axis in axes))
    return [tuple(axis[place] for axis, place in zip(axes, row, strict=True)) for row in sorted(found)]


def _names(rows: Sequence[tuple[_Choice, ...]]) -> list[str]:
    """A folder's name for each row: `vector-dim-16`; numbered where values make no name."""
    names = ["-".join(choice.name for choice in row).strip("-._") for row in rows]
    if any(not name or len(name) > _LONGEST_NAME for name in names) or len({*map(str.casefold, names)}) < len(names):
        width = len(str(len(rows)))
        return [f"{number:0{width}d}-{name[:_LONGEST_NAME]}".rstrip("-._") for number, name in enumerate(names, 1)]
    return names


def _named(path: str, short: str, value: Any) -> str:
    text = _text(value)
    return text if path.endswith(".kind") or isinstance(value, Mapping) else f"{short}-{text}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):  # the kind first, then its options
        kind = [_text(value["kind"])] if "kind" in value else []
        return "-".join([*kind, *(f"{key}-{_text(one)}" for key, one in value.items() if key != "kind")])
    if isinstance(value, list):
        return "x".join(map(_text, value))
    if isinstance(value, str):
        return _UNFIT.sub("-", value.rstrip("/").rpartition("/")[2])  # of a path, its last part
    return _UNFIT.sub("-", toml_text(value))
