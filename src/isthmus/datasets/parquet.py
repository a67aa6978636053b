"""Image data sets in parquet files, as the Hugging Face hub keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isthmus.datasets._parquet_files import Source, find, in_folder
from isthmus.datasets._parquet_rows import open_table, read_tables
from isthmus.errors import InputError
from isthmus.paths import expanded
from isthmus.types import Dataset


class Parquet:
    """Parquet files with a column of PNG or JPEG images, as the Hugging Face hub keeps them.

    Options:
        path: a folder with train*.parquet and test*.parquet files (in it, or in its data/ or
            plain_text/), or one file, all of it for training; or a list of these, to be joined.
        test: where the test images are, a folder or a file, if not in the same folder as the rest.
            Without any, test images are carved from the training images.
        image_column: the column of images; `img` or `image` if not given.
        label_column: the column of class numbers, if there is one.
        size: scale and crop every image to this height and width; needed where they differ in size.
    """

    def __init__(
        self,
        *,
        path: str | list[str],
        test: str | None = None,
        image_column: str | None = None,
        label_column: str = "label",
        size: int | None = None,
    ) -> None:
        self.paths = [path] if isinstance(path, str) else path
        if not self.paths:
            raise InputError("data.path: [] names nothing; name a folder or a parquet file")
        if size is not None and size < 1:
            raise InputError(f"data.size: {size} must be at least 1")
        self.test = test
        self.image_column = image_column
        self.label_column = label_column
        self.size = size

    def load(self) -> Dataset:
        """Read all images into memory.

        Raises InputError for paths, files, columns and images that do not fit.
        """
        places = [expanded(path, "data.path") for path in self.paths]
        train = [find(place, "train", "data.path") for place in places]
        test = self._test(places)
        tables = {
            part: [
                open_table(path, self.image_column, self.label_column) for source in sources for path in source.files
            ]
            for part, sources in (("train", train), ("test", [test] if test else []))
        }
        every = [*tables["train"], *tables["test"]]
        class_names = {table.class_names for table in every if table.class_names}
        if len(class_names) > 1:
            raise InputError(
                f"data.path: the files number their classes differently "
                f"({'; '.join(sorted(', '.join(names) for names in class_names))}); use them one at a time"
            )
        source = f"parquet: {' + '.join(source.name for source in train)}"
        return Dataset(
            train=read_tables(tables["train"], size=self.size),
            test=read_tables(tables["test"], size=self.size) if test else None,
            source=f"{source}, tested on {test.name}" if test else source,
            class_names=next(iter(class_names), ()),
            notices=tuple(
                f"{table.path} has no column {self.label_column!r}: its images have no labels."
                for table in every
                if table.label is None
            ),
        )

    def _test(self, places: Sequence[Path]) -> Source | None:
        if self.test is not None:
            return find(expanded(self.test, "data.test"), "test", "data.test")
        with_test = [place for place in places if place.is_dir() and in_folder(place, "test")]
        if len(with_test) > 1:
            raise InputError(
                f"data.test: {' and '.join(map(str, with_test))} both hold test images; "
                f"name one of them, such as data.test={with_test[-1]}"
            )
        return find(with_test[0], "test", "data.path") if with_test else None
