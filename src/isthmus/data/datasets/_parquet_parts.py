"""The rows of each split of parquet files, their labels, and how their images are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Change
from isthmus.core.paths import expanded
from isthmus.data.datasets._labels import Label, Labels, numbered
from isthmus.data.datasets._number_scale import form_of_scale, said_of_scale, scale_of
from isthmus.data.datasets._parquet_files import Source, find, in_folder
from isthmus.data.datasets._parquet_pictures import Rows
from isthmus.data.datasets._parquet_table import Columns, Table, open_table, read_labels, rows_of_splits
from isthmus.data.datasets._pixel_lists import Lists, blocks_of, dtype_of, lists_shape
from isthmus.data.form import Form

Parts = Mapping[str, list[Rows]]


def parts_of(sources: Mapping[str, list[Source]], columns: Columns) -> Parts:
    """Split -> its rows."""
    parts: dict[str, list[Rows]] = {}
    for split, found in sources.items():
        for path in (path for source in found for path in source.files):
            table, column = open_table(path, columns), columns.split
            if column is None or split != "train":
                parts.setdefault(split, []).append(Rows(table))
                continue
            for named, numbers in rows_of_splits(table, column).items():
                parts.setdefault(named, []).append(Rows(table, numbers))
    if "train" not in parts:
        raise InputError(f"data.split_column: no row of column {columns.split!r} is for training; name another")
    for split, rows in parts.items():
        if not sum(map(len, rows)):
            where = ", ".join(dict.fromkeys(str(one.table.path) for one in rows))
            raise InputError(f"{where}: holds no rows for {split}; name other files")
    return {split: parts[split] for split in ("train", "validation", "test") if split in parts}


def labels_of(parts: Parts) -> Labels:
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


def lists_of(
    tables: Sequence[Table], asked: list[int] | None, form: Form
) -> tuple[Lists | None, Form, tuple[Change, ...]]:
    """How to read images that are lists of numbers, the form for them, and what is done to all of them."""
    kinds = {table.kind for table in tables}
    if kinds == {"files"}:
        return None, form, ()
    if len(kinds) > 1:
        paths = " and ".join(str(next(table.path for table in tables if table.kind == kind)) for kind in kinds)
        raise InputError(
            f"data.path: of {paths}, one holds image files and one lists of numbers; use them one at a time"
        )
    once = list({table.path: table for table in tables}.values())
    shape, layout = lists_shape(once[0], asked, form.channels)
    dtypes = {dtype_of(table) for table in once}
    dtype = dtypes.pop() if len(dtypes) == 1 else np.dtype(np.float64)
    scale = scale_of(dtype, (block for table in once for block in blocks_of(table)), form)
    change = said_of_scale(scale, sum(map(len, once)))
    return Lists(shape, layout, scale), form_of_scale(form, scale), (change,) if change else ()


def test_sources(places: Sequence[Path], asked: str | None) -> list[Source]:
    if asked is not None:
        return [find(expanded(asked, "data.test"), "test", "data.test")]
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
