"""Opens parquet files, finds the columns of images and labels, and reads the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.core.bounded_reading import parse_json
from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.data.datasets._labels import Label
from isthmus.data.datasets._named_splits import NAMES, split_called

BATCH_ROWS = 64  # of image files: a few megabytes
_BATCH_LABELS = 10_000
_BUFFER = 1 << 20  # bytes
_USUAL_IMAGE_COLUMNS = ("img", "image")


@dataclass(frozen=True)
class Columns:
    """Which columns to read. image: None for the usual names. split: None where the files are the splits."""

    image: str | None = None
    label: str = "label"
    split: str | None = None


@dataclass(frozen=True)
class Table:
    """One parquet file and the columns to read from it.

    kind: of the images: "files" are bytes, paths or both; "numbers" are lists. label: None where the file has no such
    column. class_names: what its numbers mean, where the file says so. groups: the number of rows of each row group.
    """

    path: Path
    image: str
    kind: str
    label: str | None
    class_names: tuple[str, ...]
    groups: tuple[int, ...]

    def __len__(self) -> int:
        return sum(self.groups)

    def batches(self, column: str, *, groups: Sequence[int] | None = None, rows: int = BATCH_ROWS) -> Iterator[Any]:
        """The column in pieces of at most `rows` rows, of all row groups or those given.

        Raises InputError where the file is damaged.
        """
        try:
            # otherwise a row group's whole column is read at once: of 240 MB, 240 MB rather than the pages of one batch
            with pq.ParquetFile(self.path, buffer_size=_BUFFER, pre_buffer=False) as file:
                for batch in file.iter_batches(rows, columns=[column], row_groups=groups):
                    found: Any = batch.column(0)
                    yield found.storage if isinstance(found, pa.ExtensionArray) else found
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path}: damaged ({_first_line(error)}); get it again") from None


def open_table(path: Path, columns: Columns) -> Table:
    """Open one file and find its columns.

    Raises InputError where this is not a parquet file or has no such columns.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema: Any = file.schema_arrow
            groups = tuple(file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable parquet file ({_first_line(error)}); get it again") from None
    wanted = (columns.image,) if columns.image else _USUAL_IMAGE_COLUMNS
    image = next((name for name in wanted if name in schema.names), None)
    if image is None:
        raise InputError(
            f"{path}: no column {' or '.join(map(repr, wanted))} with images among its columns "
            f"{', '.join(schema.names)}; name the right one with data.image_column"
        )
    if columns.split is not None and columns.split not in schema.names:
        raise InputError(
            f"data.split_column: {path} has no column {columns.split!r} among {', '.join(schema.names)}; name one of "
            "these"
        )
    label = columns.label if columns.label in schema.names else None
    if label and not _is_label(schema.field(label).type):
        raise InputError(
            f"{path}: column {label!r} holds {schema.field(label).type} rather than numbers or names of classes; "
            "name another with data.label_column"
        )
    kind = _kind(path, image, _storage(schema.field(image).type))
    return Table(path, image, kind, label, _class_names(schema.metadata, columns.label), groups)


def read_labels(table: Table) -> list[Label]:
    """The label of each row; None for a row without one. `table.label` is a column.

    Raises InputError where numbers are not whole, or too large for a class.
    """
    found: list[Label] = []
    for batch in table.batches(table.label or "", rows=_BATCH_LABELS):
        found += [_label(table, value) for value in batch.to_pylist()]
    return found


def paths_in(table: Table) -> list[str]:
    """The paths of image files that a table names because it does not hold them, of all rows."""
    with pq.ParquetFile(table.path) as file:
        groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    leaves = [group.column(index) for group in groups for index in range(group.num_columns)]
    names = {leaf.path_in_schema for leaf in leaves}
    column = f"{table.image}.path" if f"{table.image}.path" in names else table.image
    held = [leaf for leaf in leaves if leaf.path_in_schema == f"{table.image}.bytes"]
    # the column of bytes is large, and its statistics tell whether any are missing
    if held and all(leaf.is_stats_set and leaf.statistics.null_count == 0 for leaf in held):
        return []
    found: list[str] = []
    for batch in table.batches(column, rows=_BATCH_LABELS):
        kind = batch.type
        texts = batch.flatten()[0] if pa.types.is_struct(kind) else batch
        if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
            return []
        found += [text for text in texts.to_pylist() if text]
    return found


def rows_of_splits(table: Table, column: str) -> dict[str, np.ndarray]:
    """Split -> the numbers of its rows, in order. Raises InputError where the column names no known split."""
    rows: dict[str, list[int]] = {}
    values = (value for batch in table.batches(column, rows=_BATCH_LABELS) for value in batch.to_pylist())
    for row, value in enumerate(values):
        split = split_called(str(value))
        if split is None:
            raise InputError(
                f"{table.path}, row {row}: column {column!r} holds {shown(value)}, which names no split; it must be "
                f"one of {', '.join(NAMES)}"
            )
        rows.setdefault(split, []).append(row)
    return {split: np.array(numbers, dtype=np.int64) for split, numbers in rows.items()}


def is_list(kind: Any) -> bool:
    """Whether a column's type is a list, nested or not."""
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _kind(path: Path, column: str, kind: Any) -> str:
    """How images of this type are read. Raises InputError for types that hold none."""
    if is_list(kind):
        leaf = kind
        while is_list(leaf):
            leaf = leaf.value_type
        if pa.types.is_integer(leaf) or pa.types.is_floating(leaf) or pa.types.is_boolean(leaf):
            return "numbers"
    if pa.types.is_struct(kind):
        held = [
            kind.field(index).type for index in range(kind.num_fields) if kind.field(index).name in ("bytes", "path")
        ]
        if held and all(map(_is_bytes_or_text, held)):
            return "files"
    elif _is_bytes_or_text(kind):
        return "files"
    raise InputError(
        f"{path}: column {column!r} holds {kind} rather than image files; name another with data.image_column"
    )


def _storage(kind: Any) -> Any:
    """The type that an extension's values are stored as, such as the hub's `Array3D`."""
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _is_bytes_or_text(kind: Any) -> bool:
    """True also for a column that is empty throughout."""
    checks = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_string, pa.types.is_large_string)
    return any(check(kind) for check in (*checks, pa.types.is_null))


def _is_label(kind: Any) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    checks = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string)
    return any(check(kind) for check in (*checks, pa.types.is_large_string))


def _label(table: Table, value: Any) -> Label:
    if value is None or value == "" or value != value:  # nan, as pandas writes a missing number
        return None
    if isinstance(value, float):  # as pandas writes whole numbers, where some are missing
        if not value.is_integer():
            raise InputError(
                f"{table.path}: column {table.label!r} holds {value}, which is no class; name another column with "
                "data.label_column"
            )
        value = int(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InputError(
            f"{table.path}: column {table.label!r} holds numbers beyond 64 bits, such as 2^63 and more, which label no "
            "class; name another with data.label_column"
        )
    return value if isinstance(value, str) else int(value)


def _class_names(metadata: dict[bytes, bytes] | None, label_column: str) -> tuple[str, ...]:
    """Class names from the features that the `datasets` library writes into the schema; empty without them."""
    try:
        features = parse_json((metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[label_column]["names"])
    except (KeyError, TypeError, ValueError):
        return ()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
