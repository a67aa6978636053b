"""Check that the packages whose parts a run uses are installed."""

from __future__ import annotations

import re
from pathlib import Path

from isthmus.core import registry
from isthmus.core.errors import InputError, RunError
from isthmus.core.part_packages import installed_version
from isthmus.core.sorts import PART_TABLES, SORTS
from isthmus.run_files.environment import Environment
from isthmus.run_files.read import read_record


def check_packages(folder: Path) -> None:
    """Raise InputError, which names the package, if a part of the run in `folder` comes from a missing package.

    A missing or damaged environment.json is not reported here, but by the code that needs the file.
    """
    try:
        parts = read_record(folder / "environment.json", Environment).parts
    except RunError:
        return
    for table, part in parts.items():
        sort = PART_TABLES.get(table)
        if sort is None or _plain(part.package) in {_plain(one.name) for one in registry.packages(sort, part.kind)}:
            continue
        here = installed_version(part.package)
        raise InputError(
            f"{folder}: its {SORTS[sort].path} {part.kind!r} is of the package {part.package} {part.version}, "
            + ("which is not installed" if here is None else f"and {here}, which is installed, has no such part")
            + f"; `pip install {part.package}=={part.version}`"
        )


def _plain(name: str) -> str:
    """A package's name, normalised as pip does: `A_b` becomes `a-b`."""
    return re.sub(r"[-_.]+", "-", name).lower()
