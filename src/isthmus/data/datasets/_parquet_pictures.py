"""The images of parquet files as pictures, read by row groups."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.data.datasets._parquet_table import Table, paths_in
from isthmus.data.datasets._pixel_lists import Lists, arrays_of
from isthmus.data.interfaces import Picture, Pictures

_FEWEST = 64  # pictures of a chunk, where row groups are smaller
_PIECES = 16  # of a large row group: each begins by passing over the rows before it


@dataclass(frozen=True)
class Rows:
    """Some rows of a table, in order; None: all."""

    table: Table
    numbers: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.table) if self.numbers is None else len(self.numbers)

    def at(self, start: int, stop: int) -> np.ndarray:
        """The row numbers from the one at place `start` up to that at `stop`."""
        return np.arange(start, stop) if self.numbers is None else self.numbers[start:stop]

    def edges(self) -> list[int]:
        """The places at which row groups begin, and the end."""
        firsts = [0, *itertools.accumulate(self.table.groups)]
        return firsts if self.numbers is None else [int(place) for place in np.searchsorted(self.numbers, firsts)]


class ParquetPictures(Pictures):
    """The images in rows of tables, one after the other.

    lists: how to read images that are lists of numbers. skip_broken: leave missing images to be left out, rather than
        raise what is missing.
    """

    portable = True

    def __init__(
        self, tables: Sequence[Rows], *, lists: Lists | None, skip_broken: bool, labels: np.ndarray | None
    ) -> None:
        self.tables, self.lists, self.skip_broken = tuple(tables), lists, skip_broken
        self.labels = labels
        self.starts = [0, *itertools.accumulate(map(len, self.tables))]

    def __len__(self) -> int:
        return self.starts[-1]

    def name(self, index: int) -> str:
        path, row = self._place(index)
        return f"{path}, row {row}"

    def address(self, index: int) -> str:
        path, row = self._place(index)
        return f"{path}:{row}"

    def _place(self, index: int) -> tuple[Path, int]:
        """A picture's file and row."""
        place = int(np.searchsorted(self.starts, index, side="right")) - 1
        rows = self.tables[place]
        return rows.table.path, int(rows.at(index - self.starts[place], index - self.starts[place] + 1)[0])

    def chunks(self) -> Iterator[tuple[int, int]]:
        begun = 0
        for rows, start in zip(self.tables, self.starts, strict=False):
            edges = rows.edges()
            for first, last in itertools.pairwise(edges):
                if start + last - begun < _FEWEST and last < edges[-1]:
                    continue
                step = max(_FEWEST, -(-(last - first) // _PIECES))
                ends = [*range(start + first + step, start + last, step), start + last]
                for end in ends:
                    if end > begun:
                        yield begun, end
                        begun = end

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        for rows, first in zip(self.tables, self.starts, strict=False):
            low, high = max(start, first), min(stop, first + len(rows))
            if low < high:
                yield from self._read(rows.table, rows.at(low - first, high - first))

    def _read(self, table: Table, numbers: np.ndarray) -> Iterator[Picture]:
        """The images in the rows `numbers` (M,), which are in order."""
        firsts = np.array([0, *itertools.accumulate(table.groups)])
        group, last = (int(np.searchsorted(firsts, number, side="right")) - 1 for number in numbers[[0, -1]])
        row = int(firsts[group])
        for batch in table.batches(table.image, groups=range(group, last + 1)):
            wanted = numbers[(numbers >= row) & (numbers < row + len(batch))]
            if len(wanted):
                yield from self._pictures(table, batch.take(pa.array(wanted - row)), wanted)
            row += len(batch)
            if row > numbers[-1]:
                return

    def _pictures(self, table: Table, column: Any, numbers: np.ndarray) -> Iterator[Picture]:
        names = [f"{table.path}, row {number}" for number in numbers]
        if self.lists is not None:
            yield from arrays_of(column, self.lists, names)
            return
        for value, name in zip(column.to_pylist(), names, strict=True):
            yield self._picture(table.path, value, name)

    def _picture(self, file: Path, value: Any, name: str) -> Picture:
        found = value if isinstance(value, dict) else {"path" if isinstance(value, str) else "bytes": value}
        content, beside = found.get("bytes"), found.get("path")
        if isinstance(content, bytes):
            return content
        path = None if not isinstance(beside, str) or not beside else _inside(file, beside, name)
        if not self.skip_broken and (path is None or not path.is_file()):
            if path is None:
                raise InputError(f"{name}: has no image; get a copy with the images inside")
            raise InputError(
                f"{name}: has no image, only a path ({shown(beside)}) at which there is no file; put the image files "
                f"into {file.parent}, or get a copy with the images inside"
            )
        return b"" if path is None else path


def files_beside(table: Table) -> Iterator[Path]:
    """The image files that a table names and that are there; a path that leads out is refused when it is read."""
    for text in paths_in(table) if table.kind == "files" else ():
        with suppress(InputError):
            path = _inside(table.path, text, str(table.path))
            if path.is_file():
                yield path


def _inside(file: Path, beside: str, name: str) -> Path:
    """The path of an image file beside a parquet file. Raises InputError where it leads out of the folder."""
    folder = os.path.abspath(file.parent)
    path = os.path.abspath(os.path.join(folder, beside))
    if "\0" in beside or not path.startswith(os.path.join(folder, "")):
        raise InputError(
            f"{name}: its image is {shown(beside)}, outside the folder of the parquet file; put the file into that "
            "folder and name it relative to it"
        )
    return Path(path)
