"""Slim every finished run of some folders, and say why others are left as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.core.lease import is_in_use
from isthmus.core.locks import locked_file
from isthmus.runs.listing import list_folder
from isthmus.runs.run_folder import is_finished
from isthmus.runs.slim import slim


@dataclass(frozen=True)
class Slimmed:
    """A run, the bytes freed, and why it was left as it is; empty if it was not."""

    folder: Path
    freed: int = 0
    why_not: str = ""


def slim_all(folders: Sequence[Path], *, dry: bool = False) -> Iterator[Slimmed]:
    """Slim the runs in these folders: runs, studies and folders of both. dry: remove nothing.

    Raises InputError before anything is removed where a folder is missing, is a link, or holds no run.
    """
    homes: dict[str, Path] = {}
    for folder in folders:
        if folder.is_symlink():
            raise InputError(f"{folder}: is a link, and isthmus changes nothing behind links; name the folder itself")
        runs = list_folder(folder).runs
        if not runs:
            raise InputError(f"{folder}: holds no run; name a run, a study or a folder of them")
        for run in runs:
            homes.setdefault(os.path.realpath(run.folder), run.folder)
    for home in homes.values():
        yield _slimmed(home, dry)


def _slimmed(home: Path, dry: bool) -> Slimmed:
    try:
        if is_in_use(home):
            return Slimmed(home, why_not="is in use by another process")
        if not is_finished(home):
            return Slimmed(home, why_not="is not finished, and going on with it needs all that it holds")
        if dry:
            return Slimmed(home, slim(home, dry=True))
        with locked_file(home / "lock", wait=False):
            return Slimmed(home, slim(home))
    except BlockingIOError:
        return Slimmed(home, why_not="is in use by another process")
    except (InputError, RunError) as error:
        return Slimmed(home, why_not=str(error).removeprefix(f"{home}: "))
