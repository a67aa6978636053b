"""Fashion-MNIST from the four official files."""

from __future__ import annotations

from isthmus.core.errors import InputError
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.datasets._download import RemoteFile
from isthmus.data.datasets._mnist_copy import Official, copy_of
from isthmus.data.interfaces import DataSource, PictureSet

_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
OFFICIAL = Official(
    kind="fashion_mnist",
    title="Fashion-MNIST",
    files=(
        RemoteFile(f"{_URL}train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        RemoteFile(f"{_URL}train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        RemoteFile(f"{_URL}t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        RemoteFile(f"{_URL}t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
    class_names=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
)


class FashionMnist(DataSource):
    """Fashion-MNIST: 60,000 training and 10,000 test photographs of ten sorts of clothing, grey, 28x28.

    Downloads are kept in the folder ISTHMUS_DATA, else XDG_CACHE_HOME/isthmus, else ~/.cache/isthmus.

    Options:
        path: a copy that you have: a folder of the four files, compressed or not.
        download: download the official files (29 MiB) if there is no copy in the cache.

    Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, arXiv 1708.07747; the URLs and checksums are those of
    torchvision.
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
