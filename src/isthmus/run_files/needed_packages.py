"""Check that the packages whose parts a run uses are installed, and tell whether they are of other versions."""

from __future__ import annotations

import re
from pathlib import Path

from isthmus.core import registry
from isthmus.core.errors import InputError, RunError
from isthmus.core.part_packages import installed_version
from isthmus.core.sorts import PART_TABLES, SORTS
from isthmus.run_files.environment import Environment, RecordedPart
from isthmus.run_files.read import read_record


def check_packages(folder: Path) -> None:
    """Raise InputError, which names the package, if a part of the run in `folder` comes from a missing package.

    A missing or damaged environment.json is not reported here, but by the code that needs the file.
    """
    for sort, part in _recorded(folder):
        if _provided(sort, part) is not None:
            continue
        here, exact = installed_version(part.package), f"{part.package}=={part.version}"
        if here is None:
            why = f"which is not installed; `pip install {exact}`"
        elif here == part.version:  # `pip install` would do nothing
            reinstall = f"`pip install --force-reinstall {exact}`"
            why = f"which is installed and has no such part; reinstall it ({reinstall}), or ask its author"
        else:
            why = f"and {here}, which is installed, has no such part; `pip install {exact}`"
        raise InputError(
            f"{folder}: its {SORTS[sort].path} {part.kind!r} is of the package {part.package} {part.version}, {why}"
        )


def other_versions(folder: Path) -> list[str]:
    """A sentence for each package that brings a part of the run in another version than the run was made with.

    Missing packages and environment.json are as in `check_packages`.
    """
    changed: dict[str, str] = {}
    for sort, part in _recorded(folder):
        here = _provided(sort, part)
        if here is not None and here != part.version:
            changed[part.package] = (
                f"{folder}: made with {part.package} {part.version}, and {here} is installed, which may compute "
                f"otherwise; `pip install {part.package}=={part.version}` brings the same back."
            )
    return list(changed.values())


def _recorded(folder: Path) -> list[tuple[str, RecordedPart]]:
    """Each part of the run in `folder` that another package brought, with its sort."""
    try:
        parts = read_record(folder / "environment.json", Environment).parts
    except RunError:
        return []
    return [(PART_TABLES[table], part) for table, part in parts.items() if table in PART_TABLES]


def _provided(sort: str, part: RecordedPart) -> str | None:
    """The installed version of the part's package, if that has such a part."""
    found = [one.version for one in registry.packages(sort, part.kind) if _plain(one.name) == _plain(part.package)]
    return found[0] if found else None


def _plain(name: str) -> str:
    """A package's name, normalised as pip does: `A_b` becomes `a-b`."""
    return re.sub(r"[-_.]+", "-", name).lower()
