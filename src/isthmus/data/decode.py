"""Decodes the pictures of a data set by chunks, and settles for all of them what `Form` leaves open.

picture set -> form of the first picture -> chunks -> pixels. A later picture that contradicts what was settled changes
the form of all, and decoding begins again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Tally
from isthmus.core.memory_limit import check_room
from isthmus.core.values import Dataset, ImageSet
from isthmus.data.content_hashes import content_hashes
from isthmus.data.form import Form, contradicts, idle_options, settled
from isthmus.data.images import read_picture, value_range
from isthmus.data.interfaces import Picture, Pictures, PictureSet
from isthmus.data.pixel_file import write_rows
from isthmus.data.unreadable import left_out, refusal

Shape = tuple[int, int, int]
_MOST_CHUNK = 1 << 26  # bytes of pixels: chunks of large images have fewer of them
_GLANCE = (8, 8)  # a size at which a picture is converted at once
_NO_ROWS, _NO_HASHES = np.empty(0, np.int64), np.empty((0, 16), np.uint8)


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
    rows: np.ndarray = field(default_factory=lambda: _NO_ROWS)
    pixels: np.ndarray | None = None
    hashes: np.ndarray = field(default_factory=lambda: _NO_HASHES)
    tally: Tally = field(default_factory=Tally)
    problems: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    other: Form | None = None


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
    return max(one, _MOST_CHUNK) + converted


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
        return Chunk(*place, range=_whole(ends))
    if not rows:
        return Chunk(*place, problems=tuple(problems))
    pixels = images[: len(rows)]
    if task.file is not None:
        write_rows(task.file, np.array(rows), pixels)
    kept = pixels if task.file is None else None
    return Chunk(*place, np.array(rows), kept, content_hashes(pixels), tally, tuple(problems))


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
    ends = _whole([chunk.range for chunk in run(tasks) if chunk.range is not None])
    return replace(form, range="full") if ends is None else form.with_range(*ends)  # only test pictures are deep


def _whole(ends: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def _tasks(found: PictureSet, form: Form, shape: Shape, files: Mapping[str, Path]) -> Iterator[Task]:
    most = max(1, _MOST_CHUNK // image_bytes(form, shape))
    for split, pictures in found.parts.items():
        for start, stop in pictures.chunks():
            for begun in range(start, stop, most):
                yield Task(split, begun, min(begun + most, stop), found.form, form, shape, files.get(split))


def _joined(found: PictureSet, form: Form, shape: Shape, chunks: Sequence[Chunk]) -> Decoded:
    """Raises InputError where pictures could not be read, unless the set leaves them out and others are left."""
    places = list(found.parts)
    chunks = sorted(chunks, key=lambda chunk: (places.index(chunk.split), chunk.start))  # whichever came first
    problems = [problem for chunk in chunks for problem in chunk.problems]
    rows = {split: _columns(split, chunks, lambda chunk: chunk.rows, _NO_ROWS) for split in found.parts}
    if problems and (not found.skip_broken or not all(map(len, rows.values()))):
        raise refusal(found, problems, any_readable=any(map(len, rows.values())))
    tally = Tally()
    for chunk in chunks:
        tally.merge(chunk.tally)
    hashes = {split: _columns(split, chunks, lambda chunk: chunk.hashes, _NO_HASHES) for split in found.parts}
    return Decoded(form, shape, tally, rows, hashes, tuple(problems))


def _columns(
    split: str, chunks: Sequence[Chunk], column: Callable[[Chunk], np.ndarray], empty: np.ndarray
) -> np.ndarray:
    return np.concatenate([empty, *(column(chunk) for chunk in chunks if chunk.split == split)])


def _taken(pixels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return pixels if len(rows) == len(pixels) else pixels[rows]


def _size(shape: Shape) -> str:
    return f"{shape[2]}x{shape[1]}"
