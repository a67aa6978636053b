"""What a run's or a study's folder holds: what isthmus wrote there, and what somebody else did."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.core.atomic_files import is_leftover
from isthmus.core.folder_names import EVENTS, LEASE, OTHER_FILES, OTHER_IMAGES, RUN_FILES, RUN_FOLDERS, STUDY_FILES


@dataclass
class Contents:
    """All below one folder. runs: run folders. files: with their bytes. folders: inner ones first, itself last.

    foreign: what isthmus did not write; a link is foreign, and nobody looks behind it.
    """

    runs: list[Path] = field(default_factory=list)
    files: dict[Path, int] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of the files that isthmus wrote."""
        return sum(self.files.values())


def contents_of_run(folder: Path) -> Contents:
    """Raises OSError where a folder cannot be read."""
    found = Contents()
    _add_run(folder, found)
    return found


def contents_of_study(folder: Path) -> Contents:
    """All of a study's folder, its runs included. Raises OSError where a folder cannot be read."""
    found = Contents()
    for variation in _sorted_out(folder, STUDY_FILES, found):
        if variation.name == OTHER_IMAGES:
            _add_run(variation, found, OTHER_IMAGES)
            continue
        for home in _sorted_out(variation, (), found):
            if home.name.startswith("seed-"):
                _add_run(home, found)
            else:
                found.foreign.append(home)
        found.folders.append(variation)
    found.folders.append(folder)
    return found


def _add_run(folder: Path, found: Contents, inner: str = "") -> None:
    """inner: where in the run `folder` is, such as `checkpoints/last`."""
    for place in _sorted_out(folder, _files_in(inner), found):
        within = f"{inner}/{place.name}" if inner else place.name
        if within in RUN_FOLDERS or OTHER_IMAGES in (within, inner):
            _add_run(place, found, within)
        else:
            found.foreign.append(place)
    if not inner:
        found.runs.append(folder)
    found.folders.append(folder)


def _files_in(inner: str) -> Collection[str]:
    """The names of isthmus's files in a run, or in a folder in it."""
    if not inner:
        return RUN_FILES
    return RUN_FOLDERS.get(inner, OTHER_FILES if inner.startswith(f"{OTHER_IMAGES}/") else ())


def _sorted_out(folder: Path, ours: Collection[str], found: Contents) -> Iterator[Path]:
    """Add the files in `folder` to those of isthmus, which have one of these names, or to the foreign ones.

    Yields the folders in it.
    """
    with os.scandir(folder) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield path
        elif entry.is_file(follow_symlinks=False) and (
            entry.name in ours
            or is_leftover(entry.name)
            or entry.name.startswith(EVENTS)
            or LEASE.fullmatch(entry.name)
        ):
            found.files[path] = entry.stat(follow_symlinks=False).st_size
        else:
            found.foreign.append(path)
