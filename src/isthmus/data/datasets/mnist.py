"""MNIST from the four official files."""

from __future__ import annotations

from isthmus.core.errors import InputError
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.datasets._download import RemoteFile
from isthmus.data.datasets._mnist_copy import Official, copy_of
from isthmus.data.interfaces import DataSource, PictureSet

_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
OFFICIAL = Official(
    kind="mnist",
    title="MNIST",
    files=(
        RemoteFile(f"{_URL}train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        RemoteFile(f"{_URL}train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        RemoteFile(f"{_URL}t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        RemoteFile(f"{_URL}t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
    class_names=tuple("0123456789"),
)


class Mnist(DataSource):
    """MNIST: 60,000 training and 10,000 test images of handwritten digits, grey, 28x28.

    Downloads are kept in the folder ISTHMUS_DATA, else XDG_CACHE_HOME/isthmus, else ~/.cache/isthmus.

    Options:
        path: a copy that you have: a folder of the four files, compressed or not.
        download: download the official files (11 MiB) if there is no copy in the cache.

    Source: Y. LeCun, C. Cortes and C. J. C. Burges, http://yann.lecun.com/exdb/mnist/; the URLs and checksums are those
    of torchvision.
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
        return decode.load(self.pictures())

    def pictures(self) -> PictureSet:
        """The images as they lie in the files. Raises as `load`."""
        return copy_of(OFFICIAL, self.path, download=self.download)
