"""CIFAR-100 from the official archive."""

from __future__ import annotations

from typing import Literal

from isthmus.core.errors import InputError
from isthmus.core.values import Dataset
from isthmus.data.datasets._cifar_copy import Official, read_copy
from isthmus.data.datasets._cifar_files import CIFAR_100_COARSE, CIFAR_100_FINE
from isthmus.data.datasets._download import RemoteFile
from isthmus.data.interfaces import DataSource

OFFICIAL = RemoteFile(
    url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    size=168_513_733,
    md5="03b5dce01913d631647c71ecec9e9cb8",
)
OFFICIAL_COUNTS = (50_000, 10_000)


class Cifar100(DataSource):
    """CIFAR-100: 50,000 training and 10,000 test photographs of a hundred classes, 32x32.

    Downloads are kept in the folder ISTHMUS_DATA, else XDG_CACHE_HOME/isthmus, else ~/.cache/isthmus.

    Options:
        path: a copy that you have: the binary or the python version, unpacked or as .tar.gz.
        download: download the official binary version (161 MiB) if there is no copy in the cache.
        labels: "fine", the hundred classes, or "coarse", the twenty groups of five that they are in.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
    """

    def __init__(
        self, *, path: str | None = None, download: bool = False, labels: Literal["fine", "coarse"] = "fine"
    ) -> None:
        if path is not None and download:
            raise InputError(f"data.download: has no effect together with data.path={path}; leave one out")
        self.path = path
        self.download = download
        self.cifar = CIFAR_100_FINE if labels == "fine" else CIFAR_100_COARSE

    def load(self) -> Dataset:
        """Read the images; download them first if that was asked.

        Raises InputError where there is no copy, where the copy is damaged, and where the download fails.
        """
        official = Official("cifar100", self.cifar, OFFICIAL, OFFICIAL_COUNTS)
        return read_copy(official, self.path, (), download=self.download)
