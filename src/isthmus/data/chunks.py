"""Decodes one chunk of a data set's pictures; tasks and answers can be sent to other processes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError
from isthmus.data.content_hashes import content_hashes
from isthmus.data.form import Form, contradicts
from isthmus.data.images import read_picture, value_range
from isthmus.data.interfaces import Pictures
from isthmus.data.pixel_file import write_rows

Shape = tuple[int, int, int]
MOST_CHUNK = 1 << 26  # bytes of pixels: chunks of large images have fewer of them
NO_ROWS, NO_HASHES = np.empty(0, np.int64), np.empty((0, 16), np.uint8)


@dataclass(frozen=True)
class Task:
    """One chunk to decode, as another process needs it.

    asked: the user's form, form: what is settled for all pictures, shape: (C, H, W) of all images.
    file: where its pixels are written; None: they are in the answer.
    only_range: only the chunk's lowest and highest value are wanted.
    """

    split: str
    start: int
    stop: int
    asked: Form
    form: Form
    shape: Shape
    file: Path | None = None
    only_range: bool = False


@dataclass(frozen=True)
class Chunk:
    """The decoded pictures from `start` up to `stop`.

    rows: (M,) of those that could be read. pixels: (M, C, H, W), if they were not written to a file. hashes: (M, 16).
    problems: a sentence for each of the others. range: the lowest and highest value of deep pictures.
    other: the form that all pictures must have because one of these contradicts what was settled; then it is empty.
    """

    split: str
    start: int
    stop: int
    rows: np.ndarray = field(default_factory=lambda: NO_ROWS)
    pixels: np.ndarray | None = None
    hashes: np.ndarray = field(default_factory=lambda: NO_HASHES)
    tally: Tally = field(default_factory=Tally)
    problems: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    other: Form | None = None


def dtype_of(form: Form) -> np.dtype[np.uint8] | np.dtype[np.uint16]:
    """The type of pixels of a settled form."""
    return np.dtype("<u2") if form.depth == 16 else np.dtype(np.uint8)


def image_bytes(form: Form, shape: Shape) -> int:
    """Of the pixels of one image (C, H, W)."""
    return math.prod(shape) * dtype_of(form).itemsize


def working_bytes(form: Form, shape: Shape) -> int:
    """About the memory that a process needs to decode, beside what is kept of all images."""
    channels, height, width = shape
    one = image_bytes(form, shape)
    # Pillow keeps colours in four bytes; bands of more than 8 bits are scaled as floats
    converted = (16 * channels if form.deep else 2 * channels + 4) * height * width
    return max(one, MOST_CHUNK) + converted


def decode_chunk(pictures: Pictures, task: Task) -> Chunk:
    """Read the pictures of a task. Raises InputError where one has another size than the first."""
    rows: list[int] = []
    # not a list of images, which would need their memory twice
    images = np.empty((0 if task.only_range else task.stop - task.start, *task.shape), dtype_of(task.form))
    problems: list[str] = []
    tally = Tally()
    ends: list[tuple[float, float]] = []
    place = task.split, task.start, task.stop
    for row, picture in zip(range(task.start, task.stop), pictures.read(task.start, task.stop), strict=True):
        name = pictures.name(row)
        try:
            if task.only_range:
                ends += [found] if (found := value_range(picture, task.form, name=name)) else []
                continue
            pixels, handled = read_picture(picture, task.form, name=name)
        except InputError as error:
            problems.append(str(error))
            continue
        if other := contradicts(task.asked, task.form, handled):
            return Chunk(*place, other=other)
        if pixels.shape != task.shape:
            raise InputError(
                f"{name}: is {_size(pixels.shape)}, but the images before it are {_size(task.shape)} (width x height); "
                "bring all to one size with data.size=N"
            )
        images[len(rows)] = pixels
        rows.append(row)
        tally.add(handled)
    if task.only_range:
        return Chunk(*place, range=whole_range(ends))
    if not rows:
        return Chunk(*place, problems=tuple(problems))
    pixels = images[: len(rows)]
    if task.file is not None:
        write_rows(task.file, np.array(rows), pixels)
    kept = pixels if task.file is None else None
    return Chunk(*place, np.array(rows), kept, content_hashes(pixels), tally, tuple(problems))


def whole_range(ends: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """The lowest and the highest of many ranges; None where there are none."""
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def _size(shape: Shape) -> str:
    return f"{shape[2]}x{shape[1]}"
