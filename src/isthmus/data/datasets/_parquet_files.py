"""Finds the parquet files of each split by the hub's naming."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.paths import resolved
from isthmus.data.datasets._named_splits import validation_files


@dataclass(frozen=True)
class Source:
    """The files of one split in one place. name: what records call them."""

    name: str
    files: tuple[Path, ...]


def find(place: Path, split: str, option: str) -> Source:
    """The files of a split at `place`: the file itself, or a folder's files whose names begin with the split's name."""
    whole = resolved(place)
    if place.is_file():
        return Source(f"{whole.parent.name}/{whole.stem}", (place,))
    files = in_folder(place, split)
    if not files:
        found = ", ".join(sorted(path.name for path in place.glob("*.parquet"))[:5])
        problem = f"holds no {split}*.parquet (found: {found or 'none'})" if place.exists() else "does not exist"
        raise InputError(f"{option}: {place} {problem}; name a folder that holds one, or a parquet file")
    _refuse_missing_shards(files)
    return Source(f"{whole.name}/{split}", tuple(files))


def find_validation(places: Sequence[Path]) -> list[Source]:
    """The validation files in the folders among `places`; empty where there are none."""
    found = [(place.resolve().name, validation_files(place)) for place in places if place.is_dir()]
    for _, files in found:
        if files:
            _refuse_missing_shards(files)
    return [Source(f"{name}/validation", tuple(files)) for name, files in found if files]


def in_folder(folder: Path, split: str) -> list[Path]:
    for place in (folder, folder / "data", folder / "plain_text"):
        if files := sorted(path for path in place.glob(f"{split}*.parquet") if path.is_file()):
            return files
    return []


def _refuse_missing_shards(files: Sequence[Path]) -> None:
    """Raise InputError for an incomplete download: `train-00000-of-00003.parquet` says how many files there must be."""
    shards = [match for path in files if (match := re.search(r"-\d+-of-(\d+)$", path.stem))]
    if shards and len(shards) < int(shards[0][1]):
        raise InputError(
            f"{files[0].parent}: holds only {len(shards)} of the {int(shards[0][1])} files {files[0].name}, ...; "
            "get the missing ones"
        )
