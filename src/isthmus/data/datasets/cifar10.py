"""CIFAR-10 from the official archive."""

from __future__ import annotations

from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.paths import cache_folder, expanded
from isthmus.core.values import Dataset
from isthmus.data.datasets import _cifar_files as files
from isthmus.data.datasets._download import RemoteFile, download, offline
from isthmus.data.interfaces import DataSource

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
OFFICIAL = RemoteFile(
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    size=170_052_171,
    md5="c32a1d4ab5d03f1284b67883e8d87530",
)
OFFICIAL_COUNTS = (50_000, 10_000)


class Cifar10(DataSource):
    """CIFAR-10: 50,000 training and 10,000 test photographs of ten classes, 32x32.

    Downloads are kept in the folder ISTHMUS_DATA, else XDG_CACHE_HOME/isthmus, else ~/.cache/isthmus.

    Options:
        path: a copy that you have: the binary or the python version, unpacked or as .tar.gz.
        download: download the official binary version (162 MiB) if there is no copy in the cache.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
    """

    def __init__(self, *, path: str | None = None, download: bool = False) -> None:
        if path is not None and download:
            raise InputError(f"data.download: has no effect together with data.path={path}; leave one out")
        self.path = path
        self.download = download

    def load(self) -> Dataset:
        """Read the images; download them first if that was asked.

        Raises InputError where there is no copy, where the copy is damaged, and where the download fails.
        """
        place = self._cached() if self.path is None else _given(expanded(self.path, "data.path"))
        train, test = files.read(place)
        notices: tuple[str, ...] = ()
        if (len(train), len(test)) != OFFICIAL_COUNTS:
            notices = (
                f"{place} holds {len(train):,} training and {len(test):,} test images; CIFAR-10 has 50,000 and 10,000.",
            )
        return Dataset(train, test, f"cifar10: {place.name}", CLASS_NAMES, notices)

    def _cached(self) -> Path:
        cache = cache_folder()
        if found := files.find(cache):
            return found
        if not self.download:
            raise InputError(f"data: no copy of CIFAR-10 in {cache}; {_ways_out()}")
        if offline():
            raise InputError(f"data.download: no download while offline (ISTHMUS_OFFLINE); {_ways_out()}")
        archive, folder = cache / OFFICIAL.name, cache / files.FOLDERS[0]
        try:
            download(OFFICIAL, archive)
            files.store(files.unpack(archive), folder)
        except InputError as error:
            raise InputError(f"{error}; {_ways_out()}") from None
        archive.unlink()
        return folder


def _given(path: Path) -> Path:
    if found := files.find(path):
        return found
    problem = "holds no copy of CIFAR-10" if path.exists() else "does not exist"
    raise InputError(f"data.path: {path} {problem}; {_ways_out()}")


def _ways_out() -> str:
    return (
        f"run `isthmus data cifar10 --download` ({OFFICIAL}), point data.path at a copy you have, "
        "or use the built-in images with data.kind=scenes"
    )
