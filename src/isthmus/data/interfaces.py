"""What a data set's part must have, and what it can say of its pictures before they are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from isthmus.core.image_changes import Change
from isthmus.core.values import Dataset
from isthmus.data.form import Form

Picture = Path | bytes | Image.Image | np.ndarray
"""A picture before it is read: an image file, its bytes, a PIL image, or the values (C, H, W) of an array."""

_CHUNK = 64  # pictures: enough that handing over a chunk costs little, few enough that a stop is answered at once


class Pictures(ABC):
    """The pictures of one split, each read when it is asked for.

    labels: (N,) int64, -1 for a picture without one; None if no picture has a label.
    factors: as in `ImageSet`. portable: whether other processes may read it: it can be pickled, and is small then.
    """

    labels: np.ndarray | None = None
    factors: Mapping[str, np.ndarray] | None = None
    portable: bool = False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """What messages call a picture: its path, or its file and row."""

    @abstractmethod
    def read(self, start: int, stop: int) -> Iterator[Picture]:
        """The pictures from `start` up to `stop`, in order. Raises InputError where one is missing."""

    def chunks(self) -> Iterator[tuple[int, int]]:
        """(start, stop) of the parts that are read in one go, in order. Default: of 64 pictures each."""
        return ((start, min(start + _CHUNK, len(self))) for start in range(0, len(self), _CHUNK))

    def address(self, index: int) -> str:
        """Where a user finds a picture again: its path, or its file and row as `scans.npy:12`. Default: its name."""
        return self.name(index)

    def levels(self, start: int, stop: int) -> np.ndarray | None:
        """(M, C, H, W) uint8: the pictures from `start` up to `stop`, if they are levels of 8 bits in memory or can be
        read as such in one go. None, the default: they must be read one by one."""
        return None


@dataclass(frozen=True)
class PictureSet:
    """All that a data set knows before its pictures are read.

    parts: "train", and "validation" and "test" where the source has them.
    source, class_names, notices: as in `Dataset`. said: what is done to all images, such as the use of folders' names.
    files: every file that is read. Their paths, sizes and times, and `identity`, say whether decoded pixels are still
        those of the source; `identity` holds what else decides them (but not `form`), as JSON values.
    skip_broken: whether pictures that cannot be read are left out; otherwise the first of them is an error.
    """

    parts: Mapping[str, Pictures]
    form: Form
    source: str
    class_names: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    said: tuple[Change, ...] = ()
    files: tuple[str | Path, ...] = ()
    identity: Mapping[str, Any] = field(default_factory=dict)
    skip_broken: bool = False


class DataSource(ABC):
    """Where images come from. Built as `Kind(*, ...)`, which reads nothing yet: options can be checked without images.

    Options called `path`, `test` and `label_file` are paths, which a recipe keeps absolute.
    """

    @abstractmethod
    def load(self) -> Dataset:
        """All images in memory. Raises InputError where they are missing or cannot be read."""

    # What some data sets can do.

    def pictures(self) -> PictureSet | None:
        """What `load` reads, before it is read, so that pixels are decoded by all cores, once, into a store on disk.

        None, the default: only `load` knows.
        """
        return None
