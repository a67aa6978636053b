"""A file of raw pixels, one image after the other, of which any rows are read without the rest.

Rows are read with the system's positioned read, not through a memory map: pages of a map count as this process's
memory, and a map of a file that somebody cuts short ends the process instead of raising an error.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import RunError
from isthmus.core.paths import cache_folder

Shape = tuple[int, int, int]


class PixelFile:
    """`count` images of `shape` (C, H, W) in the file at `path`; a `Pixels`. The first read opens the file."""

    def __init__(self, path: Path, count: int, shape: Shape, dtype: np.dtype[Any]) -> None:
        self.path, self.shape, self.dtype = path, (count, *shape), dtype
        self._file: int | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        """The images at `rows`, a slice or (M,) integers. Raises RunError where the file is gone or was cut short."""
        wanted = np.arange(len(self))[rows]
        images = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        values = images.data.cast("B") if images.size else memoryview(b"")
        row_bytes = self._row_bytes
        for start, stop in _neighbours(wanted):
            self._read(values[start * row_bytes : stop * row_bytes], int(wanted[start]) * row_bytes)
        return images

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "shape": self.shape, "dtype": self.dtype}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"], state["shape"][0], state["shape"][1:], state["dtype"])

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)

    @property
    def _row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def _read(self, into: memoryview, place: int) -> None:
        try:
            while len(into):
                count = _read_at(self._opened(), into, place, self._lock)
                if not count:
                    raise RunError(f"{self.path}: was cut short while in use; {_remedy(self.path)}")
                into, place = into[count:], place + count
        except OSError as error:
            raise RunError(f"{self.path}: cannot be read ({error.strerror}); {_remedy(self.path)}") from None

    def _opened(self) -> int:
        with self._lock:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            return self._file


def write_rows(path: Path, rows: np.ndarray, images: np.ndarray) -> None:
    """Write images (M, C, H, W) to the rows (M,) of an existing file; other processes may write other rows.

    Raises OSError, for example on a full disk.
    """
    with open(path, "r+b", buffering=0) as file:
        for start, stop in _neighbours(rows):
            file.seek(int(rows[start]) * images[0].nbytes)
            left = np.ascontiguousarray(images[start:stop]).data.cast("B")
            while len(left):  # without a buffer, a write may write less than all
                left = left[file.write(left) :]


def _neighbours(rows: np.ndarray) -> Iterator[tuple[int, int]]:
    """(start, stop) of the parts of `rows` (M,) in which each follows the one before; a part is read in one go."""
    ends = (np.flatnonzero(np.diff(rows) != 1) + 1).tolist()
    return (part for part in zip([0, *ends], [*ends, len(rows)], strict=True) if part[1] > part[0])


def _read_at(file: int, into: memoryview, place: int, lock: threading.Lock) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(file, [into], place)
    with lock:  # Windows and older systems have one position for all threads
        os.lseek(file, place, os.SEEK_SET)
        data = os.read(file, len(into))
    into[: len(data)] = data
    return len(data)


def _remedy(path: Path) -> str:
    """What to do about a store that fails in use: the cache's is made again by itself, the user's own is not."""
    if cache_folder().absolute() in path.absolute().parents:
        return "start again, and it is made again"
    return f"delete {path.parent}, make it again with `isthmus data prepare`, and start again"
