"""Images given as an array, kept as a file in the folder that is trained in, so that it can be resumed and rerun."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from isthmus.core.atomic_files import write_bytes
from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.data.datasets.arrays import Arrays
from isthmus.data.images import to_uint8_batch

ARRAY_FILE = "images.safetensors"  # what the data set `arrays` reads


def as_file(images: np.ndarray) -> bytes:
    """The file of `images`, in any form that a model takes. Raises InputError where they are no images."""
    return save({"images": to_uint8_batch(images)})


def keep(content: bytes, folder: Path, *, begun: bool) -> None:
    """Write the images' file to `folder`, whose lock is held, where it is not there already.

    begun: whether something in the folder was trained on the file. Raises InputError where it then holds others, and
    where somebody else's file is in its place.
    """
    path = folder / ARRAY_FILE
    try:
        same = read_bytes(path, largest=len(content)) == content
    except OSError:
        same = False
    if same:
        return
    if begun:
        raise InputError(f"{folder}: holds a run on other images than this array; choose another `out`")
    if os.path.lexists(path):  # of a run that had not begun; what else it may be is not lost
        try:
            Arrays(path=str(path)).load()
        except InputError:
            raise InputError(
                f"{path}: was not written by isthmus and would be lost; choose another `out`, or move it away"
            ) from None
    write_bytes(path, content)
