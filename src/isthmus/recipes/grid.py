"""The `[grid]` of a study file: options with lists of values, and one row for each combination.

    [grid]
    "bottleneck.kind" = ["vector", "gaussian"]
    "bottleneck.dim" = [16, 64]

makes the rows vector-dim-16, vector-dim-64, gaussian-dim-16 and gaussian-dim-64.
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

from isthmus.core import streams
from isthmus.core.errors import Faults, InputError
from isthmus.core.option_words import toml_text
from isthmus.core.sorts import PART_TABLES
from isthmus.core.wording import shown
from isthmus.recipes.options import TABLES
from isthmus.recipes.study_tables import MOST_VARIATIONS

_LONGEST_NAME = 80
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class GridRow:
    """One combination: a name that says its values, a sentence that does, and the changes to the base."""

    name: str
    about: str
    changes: Mapping[str, Any]


def grid_rows(grid: Mapping[str, Any], limit: int | None) -> list[GridRow]:
    """The rows of a grid, in the order of its lists: the last option changes fastest.

    limit: take that many of them, drawn at random, the same ones every time.
    Raises InputError for a grid of too many combinations, and for options without a list of different values.
    """
    values = _checked(grid)
    if not values:
        return []
    total = math.prod(map(len, values.values()))
    if limit is None and total > MOST_VARIATIONS:
        sizes = " x ".join(str(len(one)) for one in values.values())
        raise InputError(
            f"grid: {total:,} combinations ({sizes}), and a study has at most {MOST_VARIATIONS:,} rows; take values out, "
            "or let some be drawn at random: limit=50, on the command line or as `limit = 50` above [base]"
        )
    chosen = list(itertools.product(*values.values())) if limit is None or limit >= total else _drawn(values, limit)
    names = _names(list(values), chosen)
    return [
        GridRow(name, ", ".join(f"{path} = {toml_text(value)}" for path, value in changes.items()), changes)
        for name, changes in (
            (name, dict(zip(values, row, strict=True))) for name, row in zip(names, chosen, strict=True)
        )
    ]


def _checked(grid: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Dotted option -> its values. `[grid.bottleneck] dim = [...]` means the same as `"bottleneck.dim" = [...]`."""
    faults, values = Faults(), dict[str, list[Any]]()
    for path, given in _flat(grid):
        if not isinstance(given, list):
            faults.add(f"grid.{path}: {shown(given)} is one value, and a grid needs lists: write [{shown(given)}]")
        elif not given:
            faults.add(f"grid.{path}: has no values; write at least one, or leave it out")
        elif len({toml_text(value) for value in given}) < len(given):
            faults.add(f"grid.{path}: {shown(given)} holds a value twice; leave one out")
        elif path in ("seed", "seeds", "name"):
            faults.add(f"grid.{path}: is no option of a grid; write seeds = [1, 2] above [base]")
        elif path.partition(".")[0] not in {*PART_TABLES, *TABLES}:
            known = ", ".join(sorted({*PART_TABLES, *TABLES}))
            faults.add(f"grid.{path}: unknown; an option of a grid begins with one of {known}")
        elif path in values:
            faults.add(f"grid.{path}: given twice; leave one out")
        else:
            values[path] = given
    faults.check()
    return values


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _drawn(values: Mapping[str, Sequence[Any]], count: int) -> list[tuple[Any, ...]]:
    """`count` different combinations, in the grid's order."""
    draw = random.Random(streams.sealed("grid"))
    sizes, found = [len(one) for one in values.values()], set[tuple[int, ...]]()
    while len(found) < count:
        found.add(tuple(draw.randrange(size) for size in sizes))
    return [tuple(one[place] for one, place in zip(values.values(), row, strict=True)) for row in sorted(found)]


def _names(paths: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """A folder's name for each row: `vector-dim-16`; numbered where values make no name."""
    last = Counter(path.rpartition(".")[2] for path in paths)
    short = [path if last[path.rpartition(".")[2]] > 1 else path.rpartition(".")[2] for path in paths]
    names = ["-".join(map(_named, paths, short, row)).strip("-._") for row in rows]
    if any(not name or len(name) > _LONGEST_NAME for name in names) or len({*map(str.casefold, names)}) < len(names):
        width = len(str(len(rows)))
        names = [f"{number:0{width}d}-{name[:_LONGEST_NAME]}".rstrip("-._") for number, name in enumerate(names, 1)]
    return names


def _named(path: str, short: str, value: Any) -> str:
    text = _text(value)
    if path.endswith(".kind") or isinstance(value, Mapping):
        return text
    return f"{short}-{text}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):  # the kind first, then its options
        kind = [_text(value["kind"])] if "kind" in value else []
        return "-".join([*kind, *(f"{key}-{_text(one)}" for key, one in value.items() if key != "kind")])
    if isinstance(value, list):
        return "x".join(map(_text, value))
    if isinstance(value, str):
        return _UNFIT.sub("-", value.rstrip("/").rpartition("/")[2])  # of a path, its last part
    return _UNFIT.sub("-", toml_text(value))
