"""Saves images that were given as an array into the run folder, so that the run can be resumed and rerun."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from isthmus.core.atomic_files import write_bytes
from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.data.batch_levels import to_levels
from isthmus.data.batches import numbers
from isthmus.data.datasets._array_pictures import channels_first, layout_of
from isthmus.data.datasets.arrays import Arrays
from isthmus.data.form import Form

ARRAY_FILE = "images.safetensors"  # what the data set `arrays` reads


def as_file(images: np.ndarray) -> bytes:
    """The bytes of a file of `images` in any form that a model accepts. Raises InputError for anything else."""
    values = numbers(images, "images")
    batch = channels_first(values, layout_of(values.shape, "auto", "auto", "images"))
    batch = to_levels(batch, Form(depth=8)) if values.dtype == np.uint8 or values.dtype.kind == "f" else batch
    return save({"images": np.ascontiguousarray(batch)})


def keep(content: bytes, folder: Path, *, begun: bool) -> None:
    """Write the images' file to `folder`, if it is not there yet; the caller holds the folder's lock.

    begun: whether a run in the folder has already begun to train. Raises InputError where that run has other images,
    and where isthmus did not write the file at that path.
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
    if os.path.lexists(path):  # the images of a run that never began may be replaced, any other file may not
        try:
            Arrays(path=str(path)).load()
        except InputError:
            raise InputError(
                f"{path}: was not written by isthmus and would be lost; choose another `out`, or move it away"
            ) from None
    write_bytes(path, content)
