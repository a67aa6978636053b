"""Lists what a tar file holds, from its headers: where each image begins, and its label.

Source: names as in WebDataset, where all files of a sample have one name up to the first dot
(https://github.com/webdataset/webdataset).
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from isthmus.core.bounded_reading import open_ordinary, parse_json, reason
from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.data.datasets._labels import Label, label_of
from isthmus.data.picture_files import SUFFIXES

_LARGEST_LABEL = 1 << 20  # bytes: of a file beside an image
_READ_AT_ONCE = 1 << 20  # bytes
_PACKED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"\x28\xb5": "zstd"}


@dataclass(frozen=True)
class Index:
    """The images of a tar file, in its order.

    offsets, sizes: in bytes. labels: one for each image. unused: the ends of the names of files that are not read.
    """

    path: Path
    names: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    unused: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class _Member:
    name: str
    key: str
    end: str
    offset: int
    size: int


def index_of(path: Path, *, image: str | None, label: str | None, label_key: str) -> Index:
    """Read the headers of a tar file, and the labels beside its images. Options as in `Tar`.

    Raises InputError where it is damaged or compressed, holds a member outside, a link or a device, where a sample has
    several images, and where a label is neither a number nor a name.
    """
    index, unused = Index(path), set[str]()
    try:
        with open_ordinary(path) as file:
            packed = _PACKED.get(file.read(2))
            if packed:
                raise InputError(
                    f"{path}: is compressed with {packed}, and images are read by their place; unpack it first"
                )
            samples: dict[str, list[_Member]] = {}
            for member in _members(path, file):
                samples.setdefault(member.key, []).append(member)
            for key, members in samples.items():
                images = [one for one in members if _is_image(one.end, image)]
                if len(images) > 1:
                    ends = " and ".join(one.end for one in images)
                    raise InputError(f"{path}: {key} has several images, {ends}; choose one with data.image")
                labels = _label_files(members, label)
                unused |= {one.end for one in members if one not in images and one not in labels}
                if images:
                    index.names.append(images[0].name)
                    index.offsets.append(images[0].offset)
                    index.sizes.append(images[0].size)
                    index.labels.append(_label(path, file, labels[0], label_key) if labels else None)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); check the path") from None
    return Index(path, index.names, index.offsets, index.sizes, index.labels, frozenset(unused))


def _members(path: Path, file: IO[bytes]) -> Iterator[_Member]:
    """The ordinary files in a tar file. Raises InputError for what has no place in a data set."""
    end = file.seek(0, 2)
    file.seek(0)
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            listing: Any = tar
            for entry in tar:
                place = PurePosixPath(entry.name)
                if place.is_absolute() or ".." in place.parts:
                    raise InputError(
                        f"{path}: holds {shown(entry.name)}, which lies outside; get it from another source"
                    )
                if entry.isdir():
                    continue
                if not entry.isreg() or entry.issparse():
                    kind = "a link" if entry.islnk() or entry.issym() else "no ordinary file"
                    raise InputError(
                        f"{path}: holds {shown(entry.name)}, which is {kind}; pack it with the file itself"
                    )
                if entry.offset_data + entry.size > end:
                    raise InputError(f"{path}: ends within {entry.name}; get it again")
                listing.members = []  # it would keep a kilobyte for each, until the end
                name = place.name
                key, _, ending = name.partition(".")
                if key:  # without, a hidden file, as macOS packs them
                    yield _Member(str(place), str(place.parent / key), ending.lower(), entry.offset_data, entry.size)
            _check_end(path, file, listing.offset)
    except tarfile.TarError as error:
        raise InputError(f"{path}: not a complete tar file ({reason(error)}); get it again") from None


def _check_end(path: Path, file: IO[bytes], place: int) -> None:
    """Raise InputError where the archive does not end at `place`, behind the last member that was found.

    `tarfile` takes the end of the file and a damaged header for the archive's end, which is a block of zeros.
    """
    file.seek(place)
    block = file.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE:
        raise InputError(f"{path}: was cut short, its end mark is missing; get it again, or pack it again")
    if block.strip(b"\0"):
        raise InputError(f"{path}: is damaged at byte {place:,}; get it again")
    while rest := file.read(_READ_AT_ONCE):
        if rest.strip(b"\0"):
            raise InputError(
                f"{path}: holds more behind its end mark, as files joined by `cat` do; name the files one by one, or "
                "join them with `tar --concatenate`"
            )


def _is_image(end: str, wanted: str | None) -> bool:
    return f".{end.rpartition('.')[2]}" in SUFFIXES if wanted is None else end == wanted.lower().removeprefix(".")


def _label_files(members: list[_Member], wanted: str | None) -> list[_Member]:
    for end in ("cls", "json") if wanted is None else (wanted.lower().removeprefix("."),):
        if found := [one for one in members if one.end == end]:
            return found
    return []


def _label(path: Path, file: IO[bytes], member: _Member, key: str) -> Label:
    """The label in a file beside an image: its text, or the value of `key` in JSON."""
    place = f"{path}, {member.name}"
    if member.size > _LARGEST_LABEL:
        raise InputError(f"{place}: is too large for a label; name another with data.label")
    before = file.tell()
    file.seek(member.offset)
    content = file.read(member.size)
    file.seek(before)
    if not member.end.endswith("json"):
        text = content.decode("utf-8", "replace").strip()
        return _number(text) if text else None
    try:
        found: Any = parse_json(content)
    except ValueError as error:
        raise InputError(f"{place}: is not JSON ({reason(error)}); correct it") from None
    value = found.get(key) if isinstance(found, dict) else found
    return label_of(value, f"{place}: its label is", "correct it, or name another with data.label_key")


def _number(text: str) -> Label:
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 18 else text
