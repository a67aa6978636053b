"""Pictures of any source as a trained model takes them, each with its name, block by block."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError
from isthmus.core.pixels import BLOCK_BYTES
from isthmus.core.wording import counted
from isthmus.data.chunks import Chunk, Task, decode_chunk, dtype_of
from isthmus.data.decode_in_order import decoded_in_order
from isthmus.data.form import Form
from isthmus.data.images import read_picture
from isthmus.data.picture_files import some
from isthmus.data.reading_progress import quiet as without_progress
from isthmus.data.reading_progress import reading_progress
from isthmus.inference.picture_sources import Label, Part, Source, find

_NOTHING = ("kept_grey",)  # what is a choice of a data set, but leaves a picture of a grey model as it is
_ROWS_AT_ONCE = 64  # pictures that one process decodes
_AT_ONCE = 1024  # levels of an array that are read in one go, images


@dataclass(frozen=True)
class NamedBlock:
    """Some pictures, in the source's order.

    names: where each is found again: its path, or its file and row as `scans.npy:12`.
    labels: what the source says: the name of a folder, the value of a column, or None.
    pixels: (B, C, H, W) uint8 or uint16, in the model's form.
    sha256: of each picture's pixels as the model gets them, (C, H, W) in C order and little-endian, in hex.
    """

    names: tuple[str, ...]
    labels: tuple[Label, ...]
    pixels: np.ndarray
    sha256: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


class NamedImages:
    """Pictures of files, folders, patterns, parquet files, arrays and stores, brought to a model's form.

    sources: paths, patterns such as `scans/*.png`, names of data sets such as `digits`, and sets of pictures.
    form: of the model (`model.form`): settled, with its size.
    skip_broken: leave out and name pictures that cannot be read; otherwise the first of them is an error.
    quiet: show no progress on stderr.
    Raises InputError where a source does not exist or holds no picture.
    """

    def __init__(
        self,
        sources: Sequence[Source] | Source,
        form: Form,
        *,
        skip_broken: bool = False,
        quiet: bool = False,
    ) -> None:
        assert form.size is not None and isinstance(form.channels, int)
        given = [sources] if isinstance(sources, Source) else list(sources)
        if not given:
            raise InputError("no pictures are named; name a file, a folder or a pattern such as 'scans/*.png'")
        self.form = form
        self.shape = (form.channels, *form.size)
        found = find(given, form, skip_broken=skip_broken)
        self.parts = found.parts
        self._count = sum(len(part.pictures) for part in self.parts)
        if not self._count:
            raise InputError("the sources hold no pictures; name others")
        self._found = found.notices
        self._skip_broken = skip_broken
        with without_progress() if quiet else nullcontext():
            self._progress = reading_progress()  # here: another thread may go through the blocks
        self._tally, self._broken = Tally(), list[str]()

    def __len__(self) -> int:
        """Pictures found; broken ones are among them until they are read."""
        return self._count

    def address(self, index: int) -> str:
        """Where the picture at a place of all that were found is found again."""
        for part in self.parts:
            if index < len(part.pictures):
                return part.address(index)
            index -= len(part.pictures)
        raise IndexError(index)

    @property
    def has_labels(self) -> bool:
        """Whether any picture may have a label."""
        return any(part.labelled for part in self.parts)

    @property
    def has_names_as_labels(self) -> bool:
        """Whether some labels are names: then all are best written as text."""
        return any(part.named for part in self.parts)

    def blocks(self, rows: int | None = None, *, done: Literal["read", "used"] = "read") -> Iterator[NamedBlock]:
        """All pictures in order, `rows` at a time; by default about 16 MiB of pixels.

        done: what the progress counts: pictures that were read, or those that the caller reports to `used` inside
        `showing_progress`, where that takes longer.
        Can be called again, which reads again. Raises InputError for a picture that cannot be read, unless they are
        left out, and where none can be read.
        """
        self._tally, self._broken = Tally(), []
        rows = rows or _rows_of(self.shape, dtype_of(self.form).itemsize)
        names, labels, pixels = list[str](), list[Label](), list[np.ndarray]()
        with self.showing_progress() if done == "read" else nullcontext():
            for part, chunk in self._chunks():
                self._note(chunk)
                names += [part.address(row) for row in chunk.rows.tolist()]
                labels += [part.label(row) for row in chunk.rows.tolist()]
                pixels += [] if chunk.pixels is None else [chunk.pixels]
                while len(names) >= rows:
                    whole = np.concatenate(pixels)
                    yield _block(names[:rows], labels[:rows], whole[:rows])
                    names, labels, pixels = names[rows:], labels[rows:], [whole[rows:]]
                self.used(chunk.stop - chunk.start if done == "read" else len(chunk.problems))
            if names:
                yield _block(names, labels, np.concatenate(pixels))
        if len(self._broken) == self._count:
            raise InputError(f"{self._count_broken()} ({some(self._broken)}); name others")

    @contextmanager
    def showing_progress(self) -> Generator[None]:
        """Inside the block, a bar on stderr shows how many pictures are done, how many a second, and the time left."""
        with self._progress:
            self._progress.begin(self._count)
            yield

    def used(self, count: int) -> None:
        """`count` more pictures are done, for the progress."""
        self._progress.advance(count)

    def notices(self) -> list[str]:
        """After reading: what was done to the pictures, and which were left out."""
        said = [*self._found, *(one.sentence for one in self._tally.changes(options=False) if one.what not in _NOTHING)]
        if self._broken:
            said.append(
                f"{self._count_broken()} and {'is' if len(self._broken) == 1 else 'are'} left out: "
                f"{some(self._broken)}."
            )
        return said

    def pixels_at(self, names: Collection[str]) -> dict[str, np.ndarray]:
        """name -> (C, H, W) of the pictures with these names; without those that are not here or cannot be read."""
        wanted: dict[str, tuple[Part, dict[int, str]]] = {}
        left = set(names)
        for place, part in enumerate(self.parts):
            rows = {row: name for row in range(len(part.pictures)) if (name := part.address(row)) in left}
            left -= set(rows.values())
            if rows:
                wanted[str(place)] = part, rows
        tasks = (
            Task(place, start, stop, part.form, part.form, self.shape)
            for place, (part, rows) in wanted.items()
            for start, stop in _runs(sorted(rows))
        )
        found: dict[str, np.ndarray] = {}
        pictures = {place: part.pictures for place, (part, _) in wanted.items()}
        for chunk in decoded_in_order(pictures, tasks, sum(len(rows) for _, rows in wanted.values())):
            if chunk.pixels is not None:
                rows = wanted[chunk.split][1]
                found |= {rows[row]: one for row, one in zip(chunk.rows.tolist(), chunk.pixels, strict=True)}
        return found

    def _chunks(self) -> Iterator[tuple[Part, Chunk]]:
        """Neighbouring parts that must be decoded share processes; arrays of the model's own form are only read."""
        waiting: list[Part] = []
        for part in self.parts:
            if _is_ready(part, self.shape, self.form):
                yield from self._decoded(waiting)
                waiting = []
                yield from self._read(part)
            else:
                waiting.append(part)
        yield from self._decoded(waiting)

    def _decoded(self, parts: Sequence[Part]) -> Iterator[tuple[Part, Chunk]]:
        by_name = {str(place): part for place, part in enumerate(parts)}
        pictures = {name: part.pictures for name, part in by_name.items()}
        tasks = (
            Task(name, start, stop, part.form, part.form, self.shape)
            for name, part in by_name.items()
            for start, stop in part.pictures.chunks()
        )
        for chunk in decoded_in_order(pictures, tasks, sum(map(len, pictures.values()))):
            yield by_name[chunk.split], chunk

    def _read(self, part: Part) -> Iterator[tuple[Part, Chunk]]:
        pictures = part.pictures
        for start in range(0, len(pictures), _AT_ONCE):
            stop = min(start + _AT_ONCE, len(pictures))
            pixels = pictures.levels(start, stop)
            if pixels is None:  # nan among fractions: each picture is read, and the wrong ones are named
                yield part, decode_chunk(pictures, Task("", start, stop, part.form, part.form, self.shape))
                continue
            tally = Tally()
            _, handled = read_picture(pixels[0], part.form, name=part.address(start))
            tally.handled[handled] += stop - start  # one shape and type: what is done to one is done to all
            yield part, Chunk("", start, stop, np.arange(start, stop), pixels, tally=tally)

    def _note(self, chunk: Chunk) -> None:
        self._tally.merge(chunk.tally)
        if chunk.problems and not self._skip_broken:
            sentence = chunk.problems[0].removesuffix(" or leave it out")
            raise InputError(f"{sentence}, or leave it out with --skip-broken")
        self._broken += [problem.partition("; ")[0] for problem in chunk.problems]

    def _count_broken(self) -> str:
        return f"{len(self._broken):,} of {counted(self._count, 'image')} cannot be read"


def _runs(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ascending rows as (start, stop) of neighbours that are read in one go, at most `_ROWS_AT_ONCE` of them."""
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place] != rows[place - 1] + 1 or place - start == _ROWS_AT_ONCE:
            yield rows[start], rows[place - 1] + 1
            start = place


def _is_ready(part: Part, shape: tuple[int, int, int], form: Form) -> bool:
    """Whether the pictures are levels of the model's form already, so that reading them one by one changes nothing."""
    first = part.pictures.levels(0, 1) if form.depth == 8 else None
    return first is not None and first.shape[1:] == shape


def _rows_of(shape: tuple[int, int, int], itemsize: int) -> int:
    """Images of about `BLOCK_BYTES`; many small ones are a multiple of what models take at a time."""
    rows = max(1, BLOCK_BYTES // (int(np.prod(shape)) * itemsize))
    return rows // 256 * 256 if rows > 256 else rows


def _block(names: Sequence[str], labels: Sequence[Label], pixels: np.ndarray) -> NamedBlock:
    return NamedBlock(tuple(names), tuple(labels), pixels, sha256_of(pixels))


def sha256_of(pixels: np.ndarray) -> tuple[str, ...]:
    """(N, C, H, W) uint8 or uint16 -> the SHA-256 of each image's pixels, in hex; the same on every machine."""
    little = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder("<"), copy=False))
    return tuple(hashlib.sha256(image).hexdigest() for image in little)
