"""Image data sets in parquet files, as the Hugging Face hub keeps them."""

from __future__ import annotations

from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.datasets._labels import said_of_missing
from isthmus.data.datasets._named_splits import How, said_of_splits
from isthmus.data.datasets._parquet_files import find, find_validation
from isthmus.data.datasets._parquet_parts import labels_of, lists_of, parts_of, test_sources
from isthmus.data.datasets._parquet_pictures import ParquetPictures, files_beside
from isthmus.data.datasets._parquet_table import Columns
from isthmus.data.datasets._picture_options import Channels, Depth, Range, Size, form_of
from isthmus.data.form import Alpha, Fit
from isthmus.data.interfaces import DataSource, PictureSet


class Parquet(DataSource):
    """Parquet files with a column of images, as the Hugging Face hub keeps them.

    An image is a PNG or JPEG file in the column, a path relative to the parquet file, or a list of numbers.

    Options:
        path: a folder with train*.parquet, validation*.parquet and test*.parquet files (in it, or in its data/ or
            plain_text/); or one file, which is used for training; or a list of folders and files, which are joined.
        test: a folder or a file of test images, if they are not in the same folder as the rest.
            Without test files, test images are drawn from the training images; likewise for validation.
        image_column: the column of images; `img` or `image` if not given.
        label_column: the column of classes, as numbers or names, if there is one.
        split_column: a column that says of each row whether it is `train`, `validation` or `test`.
        size: scale every image to this height and width; needed if the images differ in size.
        shape: for images that are lists of numbers: [height, width], or with the channels before or after.
        splits: "by-name": files whose names begin with train, validation and test are these splits; "train-test" or
            "none" ignore validation files, as earlier versions did.
        fit, channels, depth, range, alpha, shown_channels, skip_broken: as for every data set of pictures.
    """

    def __init__(
        self,
        *,
        path: str | list[str],
        test: str | None = None,
        image_column: str | None = None,
        label_column: str = "label",
        split_column: str | None = None,
        size: Size | None = None,
        shape: list[int] | None = None,
        splits: How = "by-name",
        fit: Fit = "crop",
        channels: Channels = "auto",
        depth: Depth = "auto",
        range: Range | None = None,
        alpha: Alpha = "white",
        shown_channels: list[int] | None = None,
        skip_broken: bool = False,
    ) -> None:
        self.paths = [path] if isinstance(path, str) else path
        if not self.paths:
            raise InputError("data.path: [] is empty; name a folder or a parquet file")
        self.test, self.shape = test, shape
        self.columns = Columns(image_column, label_column, split_column)
        self.splits: How = splits
        self.form = form_of(
            size=size, fit=fit, channels=channels, depth=depth, range=range, alpha=alpha, shown_channels=shown_channels
        )
        self.skip_broken = skip_broken

    def load(self) -> Dataset:
        """Read all images into memory.

        Raises InputError for missing paths, and for files, columns and images that cannot be read.
        """
        return decode.load(self.pictures())

    def pictures(self) -> PictureSet:
        """The rows of all files, in order. Raises InputError for missing paths, and for damaged files and columns."""
        places = [expanded(path, "data.path") for path in self.paths]
        sources = {
            "train": [find(place, "train", "data.path") for place in places],
            "validation": find_validation(places) if self.splits == "by-name" else [],
            "test": test_sources(places, self.test),
        }
        names = {split: " + ".join(source.name for source in found) for split, found in sources.items() if found}
        parts = parts_of({split: found for split, found in sources.items() if found}, self.columns)
        tables = [rows.table for found in parts.values() for rows in found]
        notices = [
            f"{path} has no column {self.columns.label!r}: its images have no labels."
            for path in dict.fromkeys(table.path for table in tables if table.label is None)
        ]
        labels = labels_of(parts)
        lists, form, scaling = lists_of(tables, self.shape, self.form)
        if lists is None and self.shape is not None:
            notices.append("data.shape has no effect on image files.")
        pictures = {
            split: ParquetPictures(found, lists=lists, skip_broken=self.skip_broken, labels=labels.parts[split])
            for split, found in parts.items()
        }
        parted = self.columns.split is not None
        said = said_of_splits(
            {split: (split if parted else names[split], len(found)) for split, found in pictures.items()}
        )
        source = f"parquet: {names['train']}"
        notices += said_of_missing(labels, {split: len(found) for split, found in pictures.items()}, source)
        return PictureSet(
            parts=pictures,
            form=form,
            source=f"{source}, tested on {names['test']}" if "test" in names else source,
            class_names=labels.class_names,
            notices=tuple(notices),
            said=(*filter(None, (said,)), *scaling),
            files=tuple(dict.fromkeys(file for table in tables for file in (table.path, *files_beside(table)))),
            identity={
                "splits": {split: [str(rows.table.path) for rows in found] for split, found in parts.items()},
                "columns": [self.columns.image, self.columns.label, self.columns.split],
                "shape": self.shape,
            },
            skip_broken=self.skip_broken,
        )
