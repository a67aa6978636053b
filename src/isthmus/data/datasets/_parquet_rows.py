"""Reads the rows of parquet files as pixels and labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from isthmus.core.bounded_reading import parse_json
from isthmus.core.errors import InputError
from isthmus.core.image_changes import Tally
from isthmus.core.memory_limit import check_room
from isthmus.core.values import ImageSet
from isthmus.data.colours import Reading
from isthmus.data.datasets._pixel_lists import from_list, is_list
from isthmus.data.images import read_image

BATCH_ROWS = 1000
USUAL_IMAGE_COLUMNS = ("img", "image")


@dataclass(frozen=True)
class Columns:
    """Which columns to read. image: None for the usual names. shape: that of images stored as lists of numbers."""

    image: str | None = None
    label: str = "label"
    shape: list[int] | None = None


@dataclass(frozen=True)
class OpenTable:
    """One opened parquet file and the columns to read from it.

    label: None where the file has no such column.
    class_names: what the label numbers mean, where the file says so.
    lists: whether its images are lists of numbers. shape: as in `Columns`.
    """

    path: Path
    file: Any  # pq.ParquetFile, which has no type annotations
    image: str
    label: str | None
    class_names: tuple[str, ...]
    lists: bool
    shape: list[int] | None


def open_table(path: Path, columns: Columns) -> OpenTable:
    """Open one file and find its columns.

    Raises InputError where this is not a parquet file or has no such image column.
    """
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable parquet file ({_first_line(error)}); get it again") from None
    schema: Any = file.schema_arrow
    wanted = (columns.image,) if columns.image else USUAL_IMAGE_COLUMNS
    image = next((name for name in wanted if name in schema.names), None)
    if image is None:
        raise InputError(
            f"{path}: no column {' or '.join(map(repr, wanted))} with images among its columns "
            f"{', '.join(schema.names)}; name the right one with data.image_column"
        )
    label = columns.label if columns.label in schema.names else None
    if label and not pa.types.is_integer(schema.field(label).type):
        raise InputError(
            f"{path}: column {label!r} holds {schema.field(label).type} rather than integers; "
            "name another with data.label_column"
        )
    names = _class_names(schema.metadata, columns.label)
    return OpenTable(path, file, image, label, names, is_list(schema.field(image).type), columns.shape)


def read_tables(
    tables: Sequence[OpenTable], *, size: tuple[int, int] | None, reading: Reading, tally: Tally
) -> ImageSet:
    """The rows of all tables in order; labels only where all tables have them. `tally` counts what was done to images.

    Raises InputError where an image cannot be read or, without `size`, differs in size from the first.
    """
    count = sum(table.file.metadata.num_rows for table in tables)
    images: np.ndarray | None = None
    if size is not None:
        check_room(count * 3 * math.prod(size), "data.size: the pictures", "make data.size smaller")
    for index, (name, picture) in enumerate(pair for table in tables for pair in _pictures(table, reading)):
        pixels = read_image(picture, size=size, name=name, reading=reading, tally=tally)
        if images is None:
            images = np.empty((count, *pixels.shape), dtype=np.uint8)
        if pixels.shape != images.shape[1:]:
            raise InputError(
                f"{name}: is {_size(pixels)}, but the images before it are {_size(images)} (width x height); "
                "bring all to one size with data.size=N"
            )
        images[index] = pixels
    if images is None:
        raise InputError(f"{', '.join(str(table.path) for table in tables)}: holds no rows; name other files")
    return ImageSet(images, _labels(tables))


def _pictures(table: OpenTable, reading: Reading) -> Iterator[tuple[str, bytes | Image.Image]]:
    """(name for messages, the image file's bytes or a picture made from a list of numbers), row by row."""
    row = 0
    for batch in _batches(table, table.image):
        column: Any = batch.column(0)
        if pa.types.is_struct(column.type) and (field := column.type.get_field_index("bytes")) >= 0:
            column = column.flatten()[field]  # unlike `column.field`, this is null where the whole struct is null
        if not (table.lists or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
            raise InputError(
                f"{table.path}: column {table.image!r} holds {column.type} rather than image files; "
                "name another with data.image_column"
            )
        for value in column.to_pylist():
            name = f"{table.path}, row {row}"
            if value is None:
                raise InputError(f"{name}: has no image, only a path or nothing; get a copy with the images inside")
            yield name, from_list(value, table.shape, reading, name) if table.lists else value
            row += 1


def _labels(tables: Sequence[OpenTable]) -> np.ndarray | None:
    """(N,) int64, -1 for a row without a label, as on the hub; None unless all tables have labels."""
    columns: list[np.ndarray] = []
    for table in tables:
        if table.label is None:
            return None
        for batch in _batches(table, table.label):
            try:
                numbers = batch.column(0).cast(pa.int64())
            except pa.ArrowInvalid:
                raise InputError(
                    f"{table.path}: column {table.label!r} holds numbers of 2^63 and more, which label no class; "
                    "name another with data.label_column"
                ) from None
            columns.append(pc.fill_null(numbers, -1).to_numpy())
    return np.concatenate(columns)


def _batches(table: OpenTable, column: str) -> Iterator[Any]:
    try:
        yield from table.file.iter_batches(BATCH_ROWS, columns=[column])
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{table.path}: damaged ({_first_line(error)}); get it again") from None


def _class_names(metadata: dict[bytes, bytes] | None, label_column: str) -> tuple[str, ...]:
    """Class names from the features that the `datasets` library writes into the schema; empty without them."""
    try:
        features = parse_json((metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[label_column]["names"])
    except (KeyError, TypeError, ValueError):
        return ()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _size(images: np.ndarray) -> str:
    return f"{images.shape[-1]}x{images.shape[-2]}"
