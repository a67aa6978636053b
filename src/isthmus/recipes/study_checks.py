"""What the rows of a study must be: well named, compared with each other, and different. Every fault is collected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.core import registry
from isthmus.core.errors import Faults, InputError
from isthmus.core.folder_names import check_folder_name, check_not_reserved
from isthmus.core.paths import expanded
from isthmus.core.wording import shown
from isthmus.recipes.recipe import PATHS, Part, resolve
from isthmus.recipes.study_tables import VariationTable
from isthmus.recipes.variation import Variation

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # names become folders
_PATTERN = re.compile(r"[*?{\[]")  # a path of several files


def check_names(rows: Sequence[VariationTable | None], faults: Faults) -> None:
    """Names that can be folders and differ, comparisons with rows that exist. None: a row that could not be read."""
    names = [row.name for row in rows if row is not None]
    folded = [name.casefold() for name in names]  # some file systems do not distinguish capitals
    for number, row in enumerate(rows, 1):
        if row is None:
            continue
        option = f"variation.{number}.name"
        with faults.caught():
            check_folder_name(row.name, option)
            if not _NAME.fullmatch(row.name):
                faults.add(
                    f"{option}: {shown(row.name)} does not fit: it becomes a folder's name; begin with a letter from "
                    "A to Z or a digit, and use only these, dots, hyphens and underscores"
                )
            check_not_reserved(row.name, option)
        if names.count(row.name) > 1:
            faults.add(f"two variations are named {row.name!r}; names must differ")
        elif folded.count(row.name.casefold()) > 1:
            faults.add(f"variation {row.name!r} differs from another only in capitals; names must differ in letters")
        _check_comparisons(row, names, faults, complete=None not in rows)


def _check_comparisons(row: VariationTable, names: Sequence[str], faults: Faults, *, complete: bool) -> None:
    """complete: whether every row could be read, so that a name that is not there is wrong."""
    compare = [row.compare] if isinstance(row.compare, str) else row.compare
    others = [name for name in names if name != row.name]
    for against in compare:
        if against == row.name or (complete and against not in others):
            faults.add(
                f"variation {row.name!r} is compared with {against!r}, which is not another variation of the "
                f"study{registry.suggest(against, others)}"
            )
    if len(set(compare)) < len(compare):
        faults.add(f"variation {row.name!r}: `compare` names a variation twice; leave one out")


def check_distinct(variations: Sequence[Variation], overrides: Mapping[str, Any], faults: Faults) -> None:
    """Every variation is a recipe of a data set that can be built, and another one than all before it."""
    seen: dict[str, str] = {}
    built: dict[str, InputError | None] = {}
    for row in variations:
        with faults.caught(row.name):
            recipe = resolve({**row.raw, "name": "row", "seed": 0})  # a wrong name has its own fault
            table = repr(recipe.table())
            data = repr(recipe.data)
            if data not in built:
                built[data] = _fault_of(recipe.data)
            if (fault := built[data]) is not None:
                raise fault
            if table in seen and seen[table] != row.name:
                same = f"variations {seen[table]!r} and {row.name!r} are the same recipe"
                remedy = "leave out the override, or train one of them with `isthmus train`"
                under = f" under {', '.join(overrides)}; {remedy}" if overrides else "; leave one of them out"
                faults.add(same + under)
            seen.setdefault(table, row.name)


def _fault_of(data: Part) -> InputError | None:
    """What the data set says of its options; no image is read."""
    try:
        registry.build("datasets", data.kind, data.options)
    except InputError as error:
        return error
    return None


def check_paths(variations: Sequence[Variation], faults: Faults) -> None:
    """The images' paths exist. They are looked at, not read; a study whose images have moved is read without this."""
    for row in variations:
        data = row.raw.get("data")
        given = {option: data.get(option) for option in PATHS} if isinstance(data, dict) else {}
        for option, path in given.items():
            if not isinstance(path, str) or _PATTERN.search(path):
                continue
            with faults.caught(row.name):
                if not expanded(path, f"data.{option}").exists():
                    faults.add(f"data.{option}: {shown(path)} does not exist; check the path", row.name)
