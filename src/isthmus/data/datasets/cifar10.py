"""CIFAR-10 from the official archive."""

from __future__ import annotations

from isthmus.core.errors import InputError
from isthmus.core.values import Dataset
from isthmus.data.datasets._cifar_copy import Official, read_copy
from isthmus.data.datasets._cifar_files import CIFAR_10
from isthmus.data.datasets._download import RemoteFile
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
        official = Official("cifar10", CIFAR_10, OFFICIAL, OFFICIAL_COUNTS)
        return read_copy(official, self.path, CLASS_NAMES, download=self.download)
