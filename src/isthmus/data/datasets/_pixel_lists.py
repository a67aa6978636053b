"""Reads images that a parquet file stores as lists of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from isthmus.core.errors import InputError
from isthmus.core.wording import counted
from isthmus.data.datasets._array_pictures import Layout, channels_first, layout_of
from isthmus.data.datasets._number_scale import Scale, scaled
from isthmus.data.datasets._parquet_table import Table, is_list
from isthmus.data.datasets._picture_options import Channels
from isthmus.data.interfaces import Picture

_value_length: Any = pc.list_value_length  # pyright: ignore[reportAttributeAccessIssue]  # made at import


@dataclass(frozen=True)
class Lists:
    """How lists become images: their shape (H, W), (H, W, C) or (C, H, W), where the channels are, and the scale."""

    shape: tuple[int, ...]
    layout: Layout
    scale: Scale


def lists_shape(table: Table, asked: Sequence[int] | None, channels: Channels) -> tuple[tuple[int, ...], Layout]:
    """The shape of a table's images, and where their channels are; asked: `data.shape`.

    Raises InputError where the lists do not fit it, and where there is none and they are not nested.
    """
    rows = enumerate(table.batches(table.image, rows=1))
    row, first = next(((row, batch) for row, batch in rows if batch.null_count == 0), (0, None))
    name = f"{table.path}, row {row}"
    if first is None:
        raise InputError(f"{table.path}: holds no images; name other files")
    own = _nested_shape(first, name)
    shape = own if asked is None else tuple(asked)
    if asked is not None and (len(asked) not in (2, 3) or min(asked) < 1 or math.prod(asked) != math.prod(own)):
        raise InputError(
            f"data.shape: {list(asked)} does not fit the {math.prod(own):,} numbers of {name}; "
            "give [height, width] or [height, width, channels], whose product is that"
        )
    if len(shape) == 1:
        raise InputError(
            f"{name}: is a list of {shape[0]:,} numbers; set the image's shape with data.shape"
            f"={_likely_shape(shape[0])}"
        )
    if not math.prod(shape) or len(shape) > 3:
        raise InputError(f"{name}: numbers of shape {shape} are not an image; it must be (H, W) or (H, W, C)")
    if len(shape) == 3 and shape[0] == shape[2]:
        return shape, "NHWC"
    return shape, layout_of((1, *shape), "auto", channels, name)


def arrays_of(column: Any, lists: Lists, names: Sequence[str]) -> Iterator[Picture]:
    """The images in a column of lists, as `lists` says. names: of its rows.

    Raises InputError where a list has another shape, or lacks numbers.
    """
    if not _all_fit(column, lists):
        for row, name in enumerate(names):
            _check_row(column.slice(row, 1), lists, name)
    values = _numbers(column, names).reshape(len(names), *lists.shape)
    for image in channels_first(values, lists.layout):
        yield np.ascontiguousarray(scaled(image, lists.scale))


def blocks_of(table: Table) -> Iterator[np.ndarray]:
    """All numbers of a table, to find their scale. Raises InputError where some are missing."""
    begun = 0
    for batch in table.batches(table.image):
        yield _numbers(batch, [f"{table.path}, row {row}" for row in range(begun, begun + len(batch))])
        begun += len(batch)


def dtype_of(table: Table) -> np.dtype[Any]:
    """The type of its numbers."""
    batch = next(iter(table.batches(table.image, rows=1)), None)
    return np.dtype("u1") if batch is None else _flat(batch).slice(0, 0).to_numpy(zero_copy_only=False).dtype


def _all_fit(column: Any, lists: Lists) -> bool:
    """Whether every row is such an image. A quick look at all rows at once."""
    if column.null_count:
        return False
    try:
        return _fits(_nested_shape(column, ""), lists)
    except InputError:
        return False


def _check_row(row: Any, lists: Lists, name: str) -> None:
    """Raise InputError where a column of one row is no such image."""
    if row.null_count:
        raise InputError(f"{name}: has no image; leave this row out")
    shape = _nested_shape(row, name)
    if not _fits(shape, lists):
        raise InputError(f"{name}: holds numbers of shape {shape}, the images before it {lists.shape}; correct it")


def _fits(shape: tuple[int, ...], lists: Lists) -> bool:
    return shape == lists.shape or (len(shape) == 1 and shape[0] == math.prod(lists.shape))


def _numbers(column: Any, names: Sequence[str]) -> np.ndarray:
    """All numbers of a column, one row's after the other; of a row without an image, none. names: of its rows.

    Raises InputError where a row lacks some of its numbers.
    """
    flat = _flat(column)
    if flat.null_count:
        for name, row in zip(names, (_flat(column.slice(row, 1)) for row in range(len(column))), strict=True):
            if row.null_count:
                missing = f"{row.null_count:,} of its {counted(len(row), 'number')}"
                raise InputError(f"{name}: lacks {missing}; correct this row, or remove it")
    return flat.to_numpy(zero_copy_only=False)


def _flat(column: Any) -> Any:
    """The numbers in a column of nested lists."""
    flat = column.drop_null()  # a list of fixed length has numbers also where it is missing
    while is_list(flat.type):
        flat = flat.flatten()
    return flat


def _nested_shape(row: Any, name: str) -> tuple[int, ...]:
    """The shape of the nested lists in a column of one row. Raises InputError where they differ in length."""
    shape: list[int] = []
    level = row
    while is_list(level.type):
        lengths = _value_length(level).unique().to_pylist()
        if len(lengths) != 1 or lengths[0] is None:
            raise InputError(f"{name}: holds lists of different lengths or without numbers; correct it")
        shape.append(int(lengths[0]))
        level = level.flatten()
    return tuple(shape)


def _likely_shape(count: int) -> str:
    """'[8, 8]' for 64 numbers, '[8, 8, 3]' for 192, otherwise a pattern to fill in."""
    for channels, end in ((1, ""), (3, ", 3")):
        side = math.isqrt(count // channels)
        if side * side * channels == count:
            return f"[{side}, {side}{end}]"
    return "[HEIGHT, WIDTH]"
