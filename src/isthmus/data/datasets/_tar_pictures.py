"""The images of tar files as pictures, read by their place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from isthmus.core.bounded_reading import open_ordinary, reason
from isthmus.core.errors import InputError
from isthmus.data.datasets._tar_index import Index
from isthmus.data.interfaces import Picture, Pictures


class TarPictures(Pictures):
    """The images of tar files, one file's after the other."""

    portable = True

    def __init__(self, indices: Sequence[Index], labels: np.ndarray | None) -> None:
        self.paths = [str(index.path) for index in indices]
        self.names = [name for index in indices for name in index.names]
        # arrays and text, which are handed to other processes faster than objects
        self.places = np.array([place for index in indices for place in zip(index.offsets, index.sizes, strict=True)])
        self.starts = [0, *itertools.accumulate(map(len, indices))]
        self.labels = labels

    def __len__(self) -> int:
        return self.starts[-1]

    def name(self, index: int) -> str:
        return f"{self.paths[self._file(index)]}, {self.names[index]}"

    def address(self, index: int) -> str:
        return f"{self.paths[self._file(index)]}:{self.names[index]}"

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        while start < stop:
            number = self._file(start)
            end = min(stop, self.starts[number + 1])
            path = Path(self.paths[number])
            try:
                with open_ordinary(path) as file:
                    for offset, size in self.places[start:end].tolist():
                        file.seek(offset)
                        yield file.read(size)
            except OSError as error:
                raise InputError(f"{path}: cannot be read ({reason(error)}); check the path") from None
            start = end

    def _file(self, index: int) -> int:
        """The number of the file that an image is in."""
        return int(np.searchsorted(self.starts, index, side="right")) - 1
