"""Makes a store from a data set's pictures, on all cores and in bounded memory; it appears complete or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import save

import isthmus
from isthmus.core.atomic_files import about, write_bytes
from isthmus.core.counting_bar import CountingBar
from isthmus.core.memory_limit import check_room
from isthmus.core.wording import counted, size
from isthmus.data import workers
from isthmus.data.chunks import Chunk, Shape, Task, decode_chunk, dtype_of, image_bytes, working_bytes
from isthmus.data.decode import Decoded, decode, notices
from isthmus.data.form import Form
from isthmus.data.interfaces import PictureSet
from isthmus.data.store.header import FORMAT, HEADER, Header, columns_name, pixels_name
from isthmus.data.store.placing import place

_FEW = 500  # pictures: starting processes takes longer than decoding so few
_LARGE = 1 << 30  # bytes that are not taken without a word


class NoRoom(OSError):
    """The disk has `free` bytes, and `needed` are needed."""

    def __init__(self, needed: int, free: int) -> None:
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.needed, self.free = needed, free


def build(found: PictureSet, kind: str, folder: Path, beside: Path, progress: CountingBar) -> None:
    """Decode into the folder `beside`, on the same disk, and move it when complete to `folder`, missing or empty.

    kind: the data set's, for the record. Raises as `decode`, OSError about `folder` where the disk is full or
    read-only, and InputError where somebody put something into `folder` in the meantime.
    """
    if beside.exists():  # a killed process left it: the caller holds the lock
        shutil.rmtree(beside)
    try:
        with about(folder):
            beside.mkdir(parents=True)
        decoded = _decode(found, beside, folder, progress)
        with about(folder):
            _describe(found, kind, decoded, beside)
            place(beside, folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _decode(found: PictureSet, beside: Path, folder: Path, progress: CountingBar) -> Decoded:
    count = sum(map(len, found.parts.values()))
    files = {split: beside / pixels_name(split) for split in found.parts}
    here = count < _FEW or workers.cores() < 2 or not all(part.portable for part in found.parts.values())

    def begin(form: Form, shape: Shape) -> None:
        at_once = (1 if here else workers.cores()) * working_bytes(form, shape)
        check_room(at_once, "data.size: pictures of this size, while they are decoded,", "make data.size smaller")
        needed = count * image_bytes(form, shape)
        with about(folder):
            if (free := shutil.disk_usage(beside).free) < needed:
                raise NoRoom(needed, free)
            if needed >= _LARGE:
                what = f"{counted(count, 'image')} of {shape[2]}x{shape[1]} pixels"
                progress.tell(f"{what} take {size(needed)} of the disk.")
            for split, part in found.parts.items():
                _reserve(files[split], len(part) * image_bytes(form, shape))
        progress.begin(count)

    def run(tasks: Iterable[Task]) -> Iterator[Chunk]:
        if here:
            return (decode_chunk(found.parts[task.split], task) for task in tasks)
        return workers.decode_in_processes(found.parts, tasks, workers.cores())

    with progress:
        return decode(found, begin, lambda chunk: progress.advance(chunk.stop - chunk.start), run, files=files)


def _reserve(path: Path, length: int) -> None:
    """Create the file with room for `length` bytes. Raises OSError at once where there is less."""
    with open(path, "wb") as file:
        if length and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, length)
        file.truncate(length)


def _describe(found: PictureSet, kind: str, decoded: Decoded, folder: Path) -> None:
    for split, part in found.parts.items():
        rows = decoded.rows[split]
        columns = {"hashes": decoded.hashes[split]}
        if len(rows) != len(part):
            columns["rows"] = rows
        if part.labels is not None:
            columns["labels"] = part.labels[rows]
        for name, values in (part.factors or {}).items():
            columns[f"factor.{name}"] = values[rows]
        content = save({name: np.ascontiguousarray(values) for name, values in columns.items()})
        write_bytes(folder / columns_name(split), content)
        with open(folder / pixels_name(split), "rb") as file:  # what other processes wrote
            os.fsync(file.fileno())
    header = Header(
        format=FORMAT,
        isthmus=isthmus.__version__,
        kind=kind,
        source=found.source,
        shape=decoded.shape,
        depth=16 if dtype_of(decoded.form).itemsize == 2 else 8,
        range=decoded.form.ends,
        images={split: len(part) for split, part in found.parts.items()},
        class_names=found.class_names,
        notices=notices(found, decoded),
        handling=(*found.said, *decoded.tally.changes()),
    )
    write_bytes(folder / HEADER, header.model_dump_json(indent=1).encode())
