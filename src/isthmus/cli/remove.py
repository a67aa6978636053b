"""The verb that removes runs and studies: remove."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isthmus.cli.app import PATH, say, tell
from isthmus.core.errors import InputError

if TYPE_CHECKING:
    from isthmus.runs.remove import Removable


def remove(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN|STUDY...", help="Run folders and study folders.", **PATH)
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove runs and studies, after asking.

    Only what isthmus wrote is removed. A folder with anything else in it, or at which a process is at work, is refused,
    and then nothing is removed.
    """
    from isthmus.core.wording import counted, size
    from isthmus.runs.remove import removable
    from isthmus.runs.remove import remove as remove_one

    found = removable(folders)
    total = size(sum(one.contents.size for one in found))
    if dry_run:
        for one in found:
            tell(f"{_described(one)}: would be removed")
        tell(f"{total} would be freed.")
        return
    if not yes:
        for one in found:
            say(_described(one))
        if not _agreed(f"Remove {counted(len(found), 'folder')}, {total}, for good? [y/N] "):
            say("Nothing was removed.")
            raise typer.Exit(1)
    freed = 0
    for one in found:
        freed += remove_one(one)
        tell(f"{one.folder}: removed")
    tell(f"{size(freed)} freed.")


def _described(one: Removable) -> str:
    from isthmus.core.wording import counted, size

    runs = f" of {counted(len(one.contents.runs), 'run')}" if one.kind == "study" else ""
    images = f", with the images that were given in Python ({', '.join(one.images)})" if one.images else ""
    return f"{one.folder}: {one.kind}{runs}, {size(one.contents.size)}{images}"


def _agreed(question: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError("remove: asks before it removes, and there is no terminal to answer at; add --yes")
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().casefold() in ("y", "yes")
