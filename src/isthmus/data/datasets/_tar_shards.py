"""Finds tar files by folder, pattern and name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.paths import resolved
from isthmus.data.datasets._named_splits import NAMES
from isthmus.data.picture_files import NAMED, some

_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")


def shards_of_splits(places: Iterable[Path]) -> dict[str, list[Path]]:
    """Split -> its tar files in order. In a folder, names tell the split; all else is for training.

    Raises InputError where there are none.
    """
    found: dict[str, list[Path]] = {}
    for place in places:
        for split, shards in (
            _by_name(place) if place.is_dir() else {"train": shards_named(place, "data.path")}
        ).items():
            found.setdefault(split, []).extend(shards)
    return {split: found[split] for split in NAMES if split in found}


def shards_named(place: Path, option: str) -> list[Path]:
    """The tar files that a path or a pattern names, or that lie in a folder. Raises InputError where there are none."""
    if place.is_file():
        return [place]
    if place.is_dir():
        if found := _in(place):
            return found
        raise InputError(f"{option}: {place} holds no .tar file; name a folder that holds one, or a tar file")
    if braces := _BRACES.search(place.name):
        return _numbered(place, braces, option)
    if not re.search(r"[*?\[]", place.name) or not place.parent.is_dir():
        raise InputError(f"{option}: {place} does not exist; check the path")
    if found := [path for path in _files(place.parent) if fnmatchcase(path.name, place.name)]:
        return found
    raise InputError(f"{option}: no file in {place.parent} is called {place.name}; check the pattern")


def _by_name(folder: Path) -> dict[str, list[Path]]:
    shards = shards_named(folder, "data.path")
    found: dict[str, list[Path]] = {}
    for split, names in NAMES.items():
        pattern = re.compile(rf"({'|'.join(names)})([-_.\d]|$)", re.IGNORECASE)
        if matching := [path for path in shards if pattern.match(path.stem)]:
            found[split] = matching
    return found if "train" in found else {"train": shards}


def _numbered(place: Path, braces: re.Match[str], option: str) -> list[Path]:
    """`train-{000..012}.tar`: every number must be there."""
    first, last = braces.groups()
    numbers = range(int(first), int(last) + 1)
    if not numbers:
        raise InputError(f"{option}: {place.name} counts from {first} down to {last}; write the lower number first")
    here = {path.name: path for path in _files(place.parent)} if place.parent.is_dir() else {}
    before, after = place.name[: braces.start()], place.name[braces.end() :]
    found: list[Path] = []
    missing: list[str] = []
    for number in numbers:
        name = f"{before}{number:0{len(first)}d}{after}"
        if name in here:
            found.append(here[name])
        else:
            missing.append(name)
        if len(missing) > len(here) + NAMED:  # a range may be of any length
            break
    if missing:
        raise InputError(f"{option}: {some(missing)} of {place.name} are missing in {place.parent}; get them")
    return found


def _in(folder: Path) -> list[Path]:
    return [path for path in _files(folder) if path.suffix.lower() == ".tar"]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in resolved(folder).iterdir() if path.is_file() and not path.name.startswith("."))


def told(shards: Sequence[Path]) -> str:
    """The files in a few words: `train-000.tar`, or `train-000.tar to train-012.tar`."""
    return shards[0].name if len(shards) == 1 else f"{shards[0].name} to {shards[-1].name}"
