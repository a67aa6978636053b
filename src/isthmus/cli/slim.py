"""The verb that makes finished runs small: slim."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, say, tell


def slim(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="RUN|STUDY|FOLDER...", help="Runs, studies, or folders of them.", **PATH),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be freed.")] = False,
) -> None:
    """Remove the optimizer's state of finished runs.

    Only going on exactly where a training ended needs it, which `--keep-optimizer` asks for. A slim run is evaluated,
    explored and exported as before. Runs that are not finished keep everything.
    """
    from isthmus.core.wording import counted, size
    from isthmus.runs.slim_all import slim_all

    freed, slim_before = 0, 0
    for one in slim_all(folders, dry=dry_run):
        freed += one.freed
        if one.why_not:
            say(f"{one.folder}: left as it is: {one.why_not}.")
        elif one.freed:
            tell(f"{one.folder}: {size(one.freed)}")
        else:
            slim_before += 1
    if slim_before:
        say(f"{counted(slim_before, 'run')}: slim already.")
    tell(f"{size(freed)} {'would be ' if dry_run else ''}freed.")
