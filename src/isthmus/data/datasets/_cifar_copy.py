"""A copy of CIFAR-10 or CIFAR-100: given, in the cache, or downloaded on request."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.paths import cache_folder, expanded
from isthmus.core.values import Dataset
from isthmus.data.datasets import _cifar_files as files
from isthmus.data.datasets._cifar_files import Cifar
from isthmus.data.datasets._download import RemoteFile, download, offline


@dataclass(frozen=True)
class Official:
    """A published archive. kind: its name in recipes. counts: of training and test images."""

    kind: str
    cifar: Cifar
    archive: RemoteFile
    counts: tuple[int, int]


def read_copy(official: Official, path: str | None, class_names: tuple[str, ...], *, download: bool) -> Dataset:
    """The images of the copy at `path`, or of the one in the cache, downloaded first if that was asked.

    class_names: where the copy does not hold them. Raises InputError where there is no copy, where it is damaged, and
    where the download fails.
    """
    place = _cached(official, download) if path is None else _given(official, expanded(path, "data.path"))
    train, test, names = files.read(place, official.cifar)
    notices: tuple[str, ...] = ()
    if (len(train), len(test)) != official.counts:
        notices = (
            f"{place} holds {len(train):,} training and {len(test):,} test images; {official.cifar.title} has "
            f"{official.counts[0]:,} and {official.counts[1]:,}.",
        )
    return Dataset(train, test, f"{official.kind}: {place.name}", names or class_names, notices)


def _cached(official: Official, wanted: bool) -> Path:
    cache, title = cache_folder(), official.cifar.title
    if found := files.find(cache, official.cifar):
        return found
    if not wanted:
        raise InputError(f"data: no copy of {title} in {cache}; {_ways_out(official)}")
    if offline():
        raise InputError(f"data.download: no download while offline (ISTHMUS_OFFLINE); {_ways_out(official)}")
    archive, folder = cache / official.archive.name, cache / official.cifar.folders[0]
    try:
        download(official.archive, archive)
        files.store(files.unpack(archive, official.cifar), folder)
    except InputError as error:
        raise InputError(f"{error}; {_ways_out(official)}") from None
    archive.unlink()
    return folder


def _given(official: Official, path: Path) -> Path:
    if found := files.find(path, official.cifar):
        return found
    problem = f"holds no copy of {official.cifar.title}" if path.exists() else "does not exist"
    raise InputError(f"data.path: {path} {problem}; {_ways_out(official)}")


def _ways_out(official: Official) -> str:
    return (
        f"run `isthmus data {official.kind} --download` ({official.archive}), point data.path at a copy you have, "
        "or use the built-in images with data.kind=scenes"
    )
