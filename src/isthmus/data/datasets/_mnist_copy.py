"""A copy of MNIST or of a data set in its form: given, in the cache, or downloaded on request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.paths import cache_folder, expanded
from isthmus.data.datasets import _mnist_files as files
from isthmus.data.datasets._download import RemoteFile, download, offline
from isthmus.data.datasets._idx_pictures import idx_pictures
from isthmus.data.form import Form
from isthmus.data.interfaces import PictureSet

_COUNTS = {"train": 60_000, "test": 10_000}


@dataclass(frozen=True)
class Official:
    """A published data set of 60,000 training and 10,000 test images, 28x28.

    kind: its name in recipes. title: in words.
    """

    kind: str
    title: str
    files: tuple[RemoteFile, ...]
    class_names: tuple[str, ...]


def copy_of(official: Official, path: str | None, *, download: bool) -> PictureSet:
    """The images of the copy at `path`, or of the one in the cache, downloaded first if that was asked.

    Raises InputError where there is no copy, where it is damaged, and where the download fails.
    """
    place = _cached(official, download) if path is None else expanded(path, "data.path")
    found = files.find(place) if place.is_dir() else {}
    if not {"train", "test"} <= found.keys():
        problem = f"holds no copy of {official.title}" if place.exists() else "does not exist"
        raise InputError(f"data.path: {place} {problem}; {_ways_out(official)}")
    splits = files.read({split: found[split] for split in _COUNTS}, "data.path")
    counts = {split: splits[split].images.shape[0] for split in _COUNTS}
    notices: tuple[str, ...] = ()
    if counts != _COUNTS:
        notices = (
            f"{place} holds {counts['train']:,} training and {counts['test']:,} test images; {official.title} has "
            "60,000 and 10,000.",
        )
    if any(label not in range(len(official.class_names)) for found in splits.values() for label in found.labels):
        raise InputError(f"data.path: {place} holds labels outside 0 to 9; get the official files again")
    return idx_pictures(
        splits,
        form=Form(channels=1, depth=8),
        source=f"{official.kind}: {place.name}",
        class_names=official.class_names,
        notices=notices,
    )


def _cached(official: Official, wanted: bool) -> Path:
    """The folder in the cache. Each file of a download is whole or absent, so a broken one goes on where it stopped."""
    folder = cache_folder() / official.kind
    missing = [file for file in official.files if not (folder / file.name).is_file()]
    if not missing:
        return folder
    if not wanted:
        raise InputError(f"data: no copy of {official.title} in {folder}; {_ways_out(official)}")
    if offline():
        raise InputError(f"data.download: no download while offline (ISTHMUS_OFFLINE); {_ways_out(official)}")
    for file in missing:
        try:
            download(file, folder / file.name)
        except InputError as error:
            raise InputError(f"{error}; {_ways_out(official)}") from None
    return folder


def _ways_out(official: Official) -> str:
    whole = sum(file.size for file in official.files) / 2**20
    return (
        f"run `isthmus data {official.kind} --download` ({whole:.0f} MiB from {official.files[0].host}), point "
        "data.path at a copy you have, or use the digits that are here with data.kind=digits"
    )
