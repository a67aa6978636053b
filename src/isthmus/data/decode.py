"""Decodes the pictures of a data set by chunks, and settles for all of them what `Form` leaves open.

picture set -> form of the first picture -> chunks -> pixels. A later picture that contradicts what was settled changes
the form of all, and decoding begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError
from isthmus.core.memory_limit import check_room
from isthmus.core.values import Dataset, ImageSet
from isthmus.data.chunks import (
    MOST_CHUNK,
    NO_HASHES,
    NO_ROWS,
    Chunk,
    Shape,
    Task,
    decode_chunk,
    dtype_of,
    image_bytes,
    whole_range,
    working_bytes,
)
from isthmus.data.form import Form, idle_options, settled
from isthmus.data.images import read_picture
from isthmus.data.interfaces import Picture, PictureSet
from isthmus.data.unreadable import left_out, refusal

_GLANCE = (8, 8)  # a size at which a picture is converted at once

Run = Callable[[Iterable[Task]], Iterator[Chunk]]
"""Answers tasks, in any order."""


@dataclass(frozen=True)
class Decoded:
    """What is known of all images but their pixels.

    rows: split -> (M,) of the pictures that could be read. hashes: split -> (M, 16). problems: as in `Chunk`.
    """

    form: Form
    shape: Shape
    tally: Tally
    rows: Mapping[str, np.ndarray]
    hashes: Mapping[str, np.ndarray]
    problems: tuple[str, ...] = ()


def load(found: PictureSet) -> Dataset:
    """All images in memory, decoded in this process.

    Raises InputError where pictures cannot be read (unless the set leaves them out) or differ in size, RunError where
    they do not fit into the free memory.
    """
    pixels: dict[str, np.ndarray] = {}

    def begin(form: Form, shape: Shape) -> None:
        dtype, counts = dtype_of(form), {split: len(part) for split, part in found.parts.items()}
        needed = sum(counts.values()) * image_bytes(form, shape) + working_bytes(form, shape)
        check_room(needed, "data.size: the pictures", "make data.size smaller")
        pixels.update({split: np.empty((count, *shape), dtype) for split, count in counts.items()})

    def keep(chunk: Chunk) -> None:
        assert chunk.pixels is not None
        pixels[chunk.split][chunk.rows] = chunk.pixels

    decoded = decode(found, begin, keep, lambda tasks: (decode_chunk(found.parts[task.split], task) for task in tasks))
    return dataset(found, decoded, {split: _taken(pixels[split], rows) for split, rows in decoded.rows.items()})


def decode(
    found: PictureSet,
    begin: Callable[[Form, Shape], None],
    keep: Callable[[Chunk], None],
    run: Run,
    *,
    files: Mapping[str, Path] | None = None,
) -> Decoded:
    """Decode every picture.

    `begin` is called when form and shape are known, and again when the form changes; `keep` with every chunk.
    files: split -> the file that its pixels are written to. Raises as `load`.
    """
    form, first = _first(found)
    while True:
        form = _ranged(found, form, run)
        shape = _shape(found, form, first)
        begin(form, shape)
        chunks: list[Chunk] = []
        other = None
        for chunk in run(_tasks(found, form, shape, files or {})):
            if chunk.other is not None:
                other = chunk.other
                break
            keep(chunk)
            chunks.append(replace(chunk, pixels=None))
        if other is None:
            return _joined(found, form, shape, chunks)
        form = other


def dataset(found: PictureSet, decoded: Decoded, images: Mapping[str, np.ndarray]) -> Dataset:
    """The decoded set as a data set; images: split -> (M, C, H, W)."""
    sets = {
        split: ImageSet(
            images[split],
            None if part.labels is None else part.labels[decoded.rows[split]],
            None if part.factors is None else {k: v[decoded.rows[split]] for k, v in part.factors.items()},
            decoded.hashes[split],
        )
        for split, part in found.parts.items()
    }
    return Dataset(
        train=sets["train"],
        validation=sets.get("validation"),
        test=sets.get("test"),
        source=found.source,
        class_names=found.class_names,
        notices=notices(found, decoded),
        handling=(*found.said, *decoded.tally.changes()),
        range=decoded.form.ends,
    )


def notices(found: PictureSet, decoded: Decoded) -> tuple[str, ...]:
    """Sentences for the user: those of the source, on pictures that were left out, and on options without effect."""
    idle = idle_options(found.form, decoded.tally.changes())
    return (*found.notices, *left_out(found, decoded.problems), *idle)


def _first(found: PictureSet) -> tuple[Form, Picture]:
    """The form that the first readable training picture settles, and that picture."""
    # small: whether there is room for the size asked for is not known yet
    asked = found.form if found.form.size is None else replace(found.form, size=_GLANCE)
    pictures, problems = found.parts["train"], []
    for start, stop in pictures.chunks():
        for row, picture in zip(range(start, stop), pictures.read(start, stop), strict=True):
            try:
                _, handled = read_picture(picture, asked, name=pictures.name(row))
            except InputError as error:
                problems.append(str(error))
                continue
            return settled(found.form, handled), picture
    if not problems:
        raise InputError(f"{found.source}: holds no training images; name another path")
    raise refusal(found, problems, any_readable=False)


def _shape(found: PictureSet, form: Form, first: Picture) -> Shape:
    """(C, H, W) of all images, in a settled form."""
    if form.size is not None and isinstance(form.channels, int):
        return form.channels, *form.size
    return read_picture(first, form, name=found.parts["train"].name(0))[0].shape


def _ranged(found: PictureSet, form: Form, run: Run) -> Form:
    """The form with a range: that of all training pictures, if some have more than 8 bits and the user chose none."""
    if form.range is not None or not form.deep:
        return form
    tasks = (
        Task("train", start, stop, found.form, form, (0, 0, 0), only_range=True)
        for start, stop in found.parts["train"].chunks()
    )
    ends = whole_range([chunk.range for chunk in run(tasks) if chunk.range is not None])
    return replace(form, range="full") if ends is None else form.with_range(*ends)  # only test pictures are deep


def _tasks(found: PictureSet, form: Form, shape: Shape, files: Mapping[str, Path]) -> Iterator[Task]:
    most = max(1, MOST_CHUNK // image_bytes(form, shape))
    for split, pictures in found.parts.items():
        for start, stop in pictures.chunks():
            for begun in range(start, stop, most):
                yield Task(split, begun, min(begun + most, stop), found.form, form, shape, files.get(split))


def _joined(found: PictureSet, form: Form, shape: Shape, chunks: Sequence[Chunk]) -> Decoded:
    """Raises InputError where pictures could not be read, unless the set leaves them out and others are left."""
    places = list(found.parts)
    chunks = sorted(chunks, key=lambda chunk: (places.index(chunk.split), chunk.start))  # whichever came first
    problems = [problem for chunk in chunks for problem in chunk.problems]
    rows = {split: _columns(split, chunks, lambda chunk: chunk.rows, NO_ROWS) for split in found.parts}
    if problems and (not found.skip_broken or not all(map(len, rows.values()))):
        raise refusal(found, problems, any_readable=any(map(len, rows.values())))
    tally = Tally()
    for chunk in chunks:
        tally.merge(chunk.tally)
    hashes = {split: _columns(split, chunks, lambda chunk: chunk.hashes, NO_HASHES) for split in found.parts}
    return Decoded(form, shape, tally, rows, hashes, tuple(problems))


def _columns(
    split: str, chunks: Sequence[Chunk], column: Callable[[Chunk], np.ndarray], empty: np.ndarray
) -> np.ndarray:
    return np.concatenate([empty, *(column(chunk) for chunk in chunks if chunk.split == split)])


def _taken(pixels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return pixels if len(rows) == len(pixels) else pixels[rows]
