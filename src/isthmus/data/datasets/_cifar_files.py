"""Reads the official layouts of CIFAR-10 and CIFAR-100, from a folder or from the archive.

Source: the layouts are described at https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.core.values import ImageSet
from isthmus.data.datasets._cifar_pickle import read_batch
from isthmus.data.datasets._download import writing

_PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Cifar:
    """One of the two data sets.

    folders, archives: of the binary and the python version. train, test: the batches, without `.bin`.
    label: which of an image's labels is read. label_at: its place among the `label_bytes` before the pixels in the
    binary version; label_key: its name in the python version. names: the files of its classes' names, where there is
    one in the binary version.
    """

    title: str
    folders: tuple[str, str]
    archives: tuple[str, str]
    train: tuple[str, ...]
    test: str
    label_bytes: int
    label_at: int
    label_key: str
    classes: int
    names: str | None = None

    def is_kept(self, name: str) -> bool:
        """Whether a file of this name holds images, or the classes' names."""
        return name.removesuffix(".bin") in (*self.train, self.test) or name == self.names


CIFAR_10 = Cifar(
    title="CIFAR-10",
    folders=("cifar-10-batches-bin", "cifar-10-batches-py"),
    archives=("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"),
    train=tuple(f"data_batch_{number}" for number in range(1, 6)),
    test="test_batch",
    label_bytes=1,
    label_at=0,
    label_key="labels",
    classes=10,
)
CIFAR_100_FINE = Cifar(
    title="CIFAR-100",
    folders=("cifar-100-binary", "cifar-100-python"),
    archives=("cifar-100-binary.tar.gz", "cifar-100-python.tar.gz"),
    train=("train",),
    test="test",
    label_bytes=2,
    label_at=1,
    label_key="fine_labels",
    classes=100,
    names="fine_label_names.txt",
)
CIFAR_100_COARSE = replace(
    CIFAR_100_FINE, label_at=0, label_key="coarse_labels", classes=20, names="coarse_label_names.txt"
)
UNPACKED_BYTES = 1 << 29  # three times the official size: a hostile archive could unpack to any size


def find(path: Path, cifar: Cifar) -> Path | None:
    """The archive, or the folder of batches, that `path` is or contains; None where there is none."""
    if path.is_file():
        return path
    for folder in (path, *(path / name for name in cifar.folders)):
        if (folder / cifar.test).is_file() or (folder / f"{cifar.test}.bin").is_file():
            return folder
    return next((path / name for name in cifar.archives if (path / name).is_file()), None)


def read(path: Path, cifar: Cifar) -> tuple[ImageSet, ImageSet, tuple[str, ...]]:
    """Training and test images from the path that `find` returned, and the classes' names; empty where it has none.

    Raises InputError where a batch is missing or damaged.
    """
    batches = unpack(path, cifar) if path.is_file() else _load(path, cifar)
    suffix = ".bin" if f"{cifar.test}.bin" in batches else ""
    if missing := [name + suffix for name in (*cifar.train, cifar.test) if name + suffix not in batches]:
        raise InputError(f"{path}: {', '.join(missing)} is missing; get the official archive again")
    names = tuple(batches.get(cifar.names or "", b"").decode("utf-8", "replace").split())
    return (
        _images(batches, cifar.train, suffix, path, cifar),
        _images(batches, (cifar.test,), suffix, path, cifar),
        names if len(names) == cifar.classes else (),
    )


def unpack(archive: Path, cifar: Cifar) -> dict[str, bytes]:
    """The batch files of an official `.tar.gz` by name, in memory.

    Nothing is written to disk, so no member can be written outside the folder; an archive with such a member is
    still refused, since it is not the official one. Raises InputError for that and for a damaged archive.
    """
    batches: dict[str, bytes] = {}
    left = UNPACKED_BYTES
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                place = PurePosixPath(member.name)
                left -= member.size
                if place.is_absolute() or ".." in place.parts or not (member.isfile() or member.isdir()) or left < 0:
                    raise InputError(
                        f"{archive}: was not unpacked, because it holds {member.name!r}, which the official archive "
                        "does not; get the official archive again"
                    )
                if cifar.is_kept(place.name) and (file := tar.extractfile(member)):
                    batches[place.name] = file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{archive}: not a readable .tar.gz ({error}); get the official archive again") from None
    return batches


def store(batches: Mapping[str, bytes], folder: Path) -> None:
    """Write batch files to a new folder, which appears complete or not at all."""
    with writing(folder):
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            for name, content in batches.items():
                (beside / name).write_bytes(content)
            beside.chmod(0o755)  # only the owner can read a temporary folder, but a cache may be shared
            beside.replace(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _load(folder: Path, cifar: Cifar) -> dict[str, bytes]:
    try:
        return {file.name: read_bytes(file) for file in folder.iterdir() if cifar.is_kept(file.name)}
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); check its permissions") from None


def _images(batches: Mapping[str, bytes], names: tuple[str, ...], suffix: str, path: Path, cifar: Cifar) -> ImageSet:
    """The named batches joined; a row of a binary batch is the labels followed by the pixels."""
    pixels: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    row_bytes = cifar.label_bytes + _PIXELS
    for name in names:
        content, place = batches[name + suffix], f"{path / name}{suffix}"
        if not suffix:
            batch_pixels, batch_labels = read_batch(content, name=place, label_key=cifar.label_key)
        elif len(content) % row_bytes:
            raise InputError(
                f"{place}: {len(content):,} bytes are not a whole number of {row_bytes:,}-byte images; "
                "it is damaged, get the official archive again"
            )
        else:
            rows = np.frombuffer(content, dtype=np.uint8).reshape(-1, row_bytes)
            batch_pixels = rows[:, cifar.label_bytes :].reshape(-1, 3, 32, 32)
            batch_labels = rows[:, cifar.label_at].astype(np.int64)
        if not len(batch_labels) or batch_labels.min() < 0 or batch_labels.max() >= cifar.classes:
            raise InputError(
                f"{place}: has no labels, or labels outside 0 to {cifar.classes - 1}; get the official archive again"
            )
        pixels.append(batch_pixels)
        labels.append(batch_labels)
    return ImageSet(np.concatenate(pixels), np.concatenate(labels))
