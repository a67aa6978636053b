"""Images in IDX files, the format of MNIST."""

from __future__ import annotations

from isthmus.core.errors import InputError
from isthmus.core.paths import expanded, resolved
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.datasets import _mnist_files as files
from isthmus.data.datasets._idx_pictures import idx_pictures
from isthmus.data.datasets._picture_options import Channels, Depth, Range, Size, form_of
from isthmus.data.form import Alpha, Fit
from isthmus.data.interfaces import DataSource, PictureSet


class Idx(DataSource):
    """IDX files, the format of MNIST, compressed with gzip or not.

    Options:
        path: a folder with files called as MNIST's, such as `train-images-idx3-ubyte.gz`, `train-labels-idx1-ubyte.gz`,
            `t10k-images-idx3-ubyte.gz`, ...; or one file of images, whose labels lie beside it.
            Without `t10k-` or `test-` files, test images are drawn from the training images.
        test: a file with the test images, if it is elsewhere.
        size, fit, channels, depth, range, alpha, shown_channels, skip_broken: as for every data set of pictures.
    """

    def __init__(
        self,
        *,
        path: str,
        test: str | None = None,
        size: Size | None = None,
        fit: Fit = "crop",
        channels: Channels = "auto",
        depth: Depth = "auto",
        range: Range | None = None,
        alpha: Alpha = "white",
        shown_channels: list[int] | None = None,
        skip_broken: bool = False,
    ) -> None:
        self.path = expanded(path, "data.path")
        self.test = None if test is None else expanded(test, "data.test")
        self.form = form_of(
            size=size,
            fit=fit,
            channels=channels,
            depth=depth,
            range=range,
            alpha=alpha,
            shown_channels=shown_channels,
        )
        self.skip_broken = skip_broken

    def load(self) -> Dataset:
        """Read all images into memory. Raises InputError where files are missing, damaged or of another format."""
        return decode.load(self.pictures())

    def pictures(self) -> PictureSet:
        """The images as they lie in the files. Raises as `load`."""
        found = files.find(self.path) if self.path.is_dir() else {"train": files.with_labels(self.path)}
        if not found:
            raise InputError(
                f"data.path: {self.path} holds no file such as train-images-idx3-ubyte; name a folder that does, or "
                "one file of images"
            )
        if self.test is not None:
            found["test"] = files.with_labels(self.test)
        splits = files.read(found, "data.path")
        source = f"idx: {resolved(self.path).name}"
        return idx_pictures(
            splits,
            form=self.form,
            source=source if self.test is None else f"{source}, tested on {self.test.name}",
            skip_broken=self.skip_broken,
        )
