"""Keeps images that were given in Python in the run's folder, so that the run can be resumed and rerun."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

from isthmus.core.atomic_files import replacing
from isthmus.core.errors import InputError
from isthmus.data.form import Form
from isthmus.data.interfaces import PictureSet

FILES = {"images.safetensors": "arrays", "images.parquet": "parquet"}
"""The names of such files, and the data sets that read them."""


class GivenImages(ABC):
    """Images that are not in a file yet. name: of the file that keeps them, one of `FILES`.

    options: of the data set that reads the file, without its path.
    """

    name: ClassVar[str]
    options: Mapping[str, Any]

    @abstractmethod
    def pictures(self, form: Form) -> PictureSet:
        """The images as they are given, for a model of this form to read."""

    @abstractmethod
    def write(self, file: IO[bytes]) -> None:
        """Write the file. Raises InputError where an image cannot be kept."""

    @abstractmethod
    def same(self, path: Path) -> bool:
        """Whether the file at `path` holds these images. Raises OSError where it cannot be read."""

    @abstractmethod
    def ours(self, path: Path) -> bool:
        """Whether the file at `path` is such a file, of any images."""


@contextmanager
def named_as_given(path: Path) -> Generator[None]:
    """In an InputError about images of the file at `path`, name them as those that the user gave.

    The file is isthmus's own: whoever repaired an image there would find the same fault at the next call.
    """
    try:
        yield
    except InputError as error:
        place = re.compile(rf"{re.escape(os.path.abspath(path))}(?:, (?:images, image|row) (\d+))?")
        named = place.sub(lambda found: f"image {found[1]} of `data`" if found[1] else "`data`", str(error))
        raise InputError(named) from None


def keep(images: GivenImages, folder: Path, *, begun: bool) -> None:
    """Write the images' file to `folder`, if it is not there yet; the caller holds the folder's lock.

    begun: whether a run in the folder has already begun to train. Raises InputError where that run has other images,
    and where isthmus did not write the file at that path.
    """
    path = folder / images.name
    try:
        same = images.same(path)
    except OSError:
        same = False
    if same:
        return
    if begun:
        raise InputError(f"{folder}: holds a run on other images than this data; choose another `out`")
    # the images of a run that never began may be replaced, any other file may not
    if os.path.lexists(path) and not images.ours(path):
        raise InputError(f"{path}: was not written by isthmus and would be lost; choose another `out`, or move it away")
    with replacing(path) as file:
        images.write(file)
