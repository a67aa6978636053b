"""Image data sets in parquet files, as the Hugging Face hub keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Tally
from isthmus.core.paths import expanded
from isthmus.core.values import Dataset
from isthmus.data.colours import Alpha, Reading, idle_range
from isthmus.data.datasets._named_splits import How, said_of_splits
from isthmus.data.datasets._parquet_files import Source, find, find_validation, in_folder
from isthmus.data.datasets._parquet_rows import Columns, open_table, read_tables
from isthmus.data.datasets._picture_size import height_and_width
from isthmus.data.interfaces import DataSource


class Parquet(DataSource):
    """Parquet files with a column of PNG or JPEG images, as the Hugging Face hub keeps them.

    Options:
        path: a folder with train*.parquet, validation*.parquet and test*.parquet files (in it, or in its data/ or
            plain_text/); or one file, which is used for training; or a list of folders and files, which are joined.
        test: a folder or a file of test images, if they are not in the same folder as the rest.
            Without test files, test images are drawn from the training images; likewise for validation.
        image_column: the column of images; `img` or `image` if not given.
        label_column: the column of class numbers, if there is one.
        size: scale and crop every image to this height and width; needed if the images differ in size.
        shape: for images that are lists of numbers: [height, width], or with 3 channels before or after.
        splits: "by-name" as above; "train-test" or "none" ignore validation files, as earlier versions did.
        range: the two values that become black and white in images of more than 8 bits; by default 0 and 65,535.
        alpha: "white" lays images with an alpha channel over white, "ignore" uses their colours as they are.
    """

    def __init__(
        self,
        *,
        path: str | list[str],
        test: str | None = None,
        image_column: str | None = None,
        label_column: str = "label",
        size: int | list[int] | None = None,
        shape: list[int] | None = None,
        splits: How = "by-name",
        range: list[float] | None = None,
        alpha: Alpha = "white",
    ) -> None:
        self.paths = [path] if isinstance(path, str) else path
        if not self.paths:
            raise InputError("data.path: [] is empty; name a folder or a parquet file")
        self.test = test
        self.columns = Columns(image_column, label_column, shape)
        self.size = None if size is None else height_and_width(size)
        self.splits: How = splits
        self.reading = Reading.of({"range": range, "alpha": alpha})

    def load(self) -> Dataset:
        """Read all images into memory.

        Raises InputError for missing paths, and for files, columns and images that cannot be read.
        """
        places = [expanded(path, "data.path") for path in self.paths]
        train = [find(place, "train", "data.path") for place in places]
        sources = {
            "train": train,
            "validation": find_validation(places) if self.splits == "by-name" else [],
            "test": self._test(places),
        }
        tables = {
            split: [open_table(path, self.columns) for source in found for path in source.files]
            for split, found in sources.items()
            if found
        }
        every = [table for found in tables.values() for table in found]
        class_names = {table.class_names for table in every if table.class_names}
        if len(class_names) > 1:
            raise InputError(
                f"data.path: the files number their classes differently "
                f"({'; '.join(sorted(', '.join(names) for names in class_names))}); use them one at a time"
            )
        tally = Tally()
        sets = {
            split: read_tables(found, size=self.size, reading=self.reading, tally=tally)
            for split, found in tables.items()
        }
        names = {split: " + ".join(source.name for source in found) for split, found in sources.items()}
        said = said_of_splits({split: (names[split], len(images)) for split, images in sets.items()})
        source = f"parquet: {names['train']}"
        changes = tally.changes()
        notices = [
            f"{table.path} has no column {self.columns.label!r}: its images have no labels."
            for table in every
            if table.label is None
        ]
        if not any(table.lists for table in every):
            notices += idle_range(self.reading, changes)
            notices += ["data.shape has no effect on image files."] if self.columns.shape else []
        return Dataset(
            train=sets["train"],
            validation=sets.get("validation"),
            test=sets.get("test"),
            source=f"{source}, tested on {names['test']}" if "test" in sets else source,
            class_names=next(iter(class_names), ()),
            notices=tuple(notices),
            handling=(*filter(None, (said,)), *changes),
        )

    def _test(self, places: Sequence[Path]) -> list[Source]:
        if self.test is not None:
            return [find(expanded(self.test, "data.test"), "test", "data.test")]
        with_test = [place for place in places if place.is_dir() and in_folder(place, "test")]
        if len(with_test) > 1:
            raise InputError(
                f"data.test: {' and '.join(map(str, with_test))} both hold test images; "
                f"name one of them, such as data.test={with_test[-1]}"
            )
        return [find(with_test[0], "test", "data.path")] if with_test else []
