"""Which parquet files of a place hold which split, by the hub's naming."""

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
    """The files of one split in one place, and what records call them."""

    name: str
    files: tuple[Path, ...]


def find(place: Path, split: str, option: str) -> Source:
    """The files of a split at `place`: a file itself, or those of a folder that begin with the split's name."""
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
    """The validation files of all places that are folders; empty where there are none."""
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
    """Half a download must not pass for the whole: `train-00000-of-00003.parquet` says how many there are."""
    shards = [match for path in files if (match := re.search(r"-\d+-of-(\d+)$", path.stem))]
    if shards and len(shards) < int(shards[0][1]):
        raise InputError(
            f"{files[0].parent}: {len(shards)} of {int(shards[0][1])} files {files[0].name}, ... are there; "
            "get the missing ones"
        )
