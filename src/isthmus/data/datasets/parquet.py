"""Image data sets in parquet files, as the Hugging Face hub keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Change
from isthmus.core.paths import expanded
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.datasets._labels import Label, Labels, numbered
from isthmus.data.datasets._named_splits import How, said_of_splits
from isthmus.data.datasets._number_scale import form_of_scale, said_of_scale, scale_of
from isthmus.data.datasets._parquet_files import Source, find, find_validation, in_folder
from isthmus.data.datasets._parquet_pictures import ParquetPictures, Rows, files_beside
from isthmus.data.datasets._parquet_table import Columns, Table, open_table, read_labels, rows_of_splits
from isthmus.data.datasets._picture_options import Channels, Depth, Range, Size, form_of
from isthmus.data.datasets._pixel_lists import Lists, blocks_of, dtype_of, lists_shape
from isthmus.data.form import Alpha, Fit, Form
from isthmus.data.interfaces import DataSource, PictureSet

_Parts = Mapping[str, list[Rows]]


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
        splits: "by-name" as above; "train-test" or "none" ignore validation files, as earlier versions did.
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
        self.test = test
        self.columns = Columns(image_column, label_column, split_column)
        self.shape = shape
        self.splits: How = splits
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
            "test": self._test(places),
        }
        names = {split: " + ".join(source.name for source in found) for split, found in sources.items() if found}
        parts = self._parts({split: found for split, found in sources.items() if found})
        tables = [rows.table for found in parts.values() for rows in found]
        for split, found in parts.items():
            if not sum(map(len, found)):
                where = ", ".join(dict.fromkeys(str(rows.table.path) for rows in found))
                raise InputError(f"{where}: holds no rows for {split}; name other files")
        notices = [
            f"{path} has no column {self.columns.label!r}: its images have no labels."
            for path in dict.fromkeys(table.path for table in tables if table.label is None)
        ]
        labels = self._labels(parts)
        lists, form, scaling = self._lists(tables)
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

    def _parts(self, sources: Mapping[str, list[Source]]) -> _Parts:
        """Split -> its rows."""
        parts: dict[str, list[Rows]] = {}
        for split, found in sources.items():
            for path in (path for source in found for path in source.files):
                table, column = open_table(path, self.columns), self.columns.split
                if column is None or split != "train":
                    parts.setdefault(split, []).append(Rows(table))
                    continue
                for named, numbers in rows_of_splits(table, column).items():
                    parts.setdefault(named, []).append(Rows(table, numbers))
        if "train" not in parts:
            raise InputError(
                f"data.split_column: no row of column {self.columns.split!r} is for training; name another"
            )
        return {split: parts[split] for split in ("train", "validation", "test") if split in parts}

    def _labels(self, parts: _Parts) -> Labels:
        """The labels of each split in which all files have some."""
        tables = [rows.table for found in parts.values() for rows in found]
        class_names = {table.class_names for table in tables if table.class_names}
        if len(class_names) > 1:
            raise InputError(
                f"data.path: the files number their classes differently "
                f"({'; '.join(sorted(', '.join(names) for names in class_names))}); use them one at a time"
            )
        given: dict[str, Sequence[Label]] = {}
        for split, found in parts.items():
            labelled = all(rows.table.label is not None for rows in found)
            given[split] = [label for rows in found for label in _labels_of(rows)] if labelled else []
        return numbered(given, next(iter(class_names), ()))

    def _lists(self, tables: Sequence[Table]) -> tuple[Lists | None, Form, tuple[Change, ...]]:
        """How to read images that are lists of numbers, the form for them, and what is done to all of them."""
        kinds = {table.kind for table in tables}
        if kinds == {"files"}:
            return None, self.form, ()
        if len(kinds) > 1:
            paths = " and ".join(str(next(table.path for table in tables if table.kind == kind)) for kind in kinds)
            raise InputError(
                f"data.path: of {paths}, one holds image files and one lists of numbers; use them one at a time"
            )
        once = list({table.path: table for table in tables}.values())
        shape, layout = lists_shape(once[0], self.shape, self.form.channels)
        dtypes = {dtype_of(table) for table in once}
        dtype = dtypes.pop() if len(dtypes) == 1 else np.dtype(np.float64)
        scale = scale_of(dtype, (block for table in once for block in blocks_of(table)), self.form)
        change = said_of_scale(scale, sum(map(len, once)))
        return Lists(shape, layout, scale), form_of_scale(self.form, scale), (change,) if change else ()

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


def _labels_of(rows: Rows) -> Sequence[Label]:
    labels = read_labels(rows.table)
    return labels if rows.numbers is None else [labels[row] for row in rows.numbers]
