"""Reads the two official layouts of CIFAR-10, from a folder or from the archive.

Source: the layouts are described at https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.core.values import ImageSet
from isthmus.data.datasets._cifar_pickle import read_batch
from isthmus.data.datasets._download import writing

FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py")
ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = "test_batch"
ROW_BYTES = 1 + 3 * 32 * 32
UNPACKED_BYTES = 1 << 29  # three times the official size: a hostile archive could unpack to any size


def find(path: Path) -> Path | None:
    """The archive, or the folder of batches, that `path` is or contains; None where there is none."""
    if path.is_file():
        return path
    for folder in (path, *(path / name for name in FOLDERS)):
        if (folder / TEST).is_file() or (folder / f"{TEST}.bin").is_file():
            return folder
    return next((path / name for name in ARCHIVES if (path / name).is_file()), None)


def read(path: Path) -> tuple[ImageSet, ImageSet]:
    """Training and test images from the path that `find` returned.

    Raises InputError where a batch is missing or damaged.
    """
    batches = unpack(path) if path.is_file() else _load(path)
    suffix = ".bin" if f"{TEST}.bin" in batches else ""
    if missing := [name + suffix for name in (*TRAIN, TEST) if name + suffix not in batches]:
        raise InputError(f"{path}: {', '.join(missing)} is missing; get the official archive again")
    return _images(batches, TRAIN, suffix, path), _images(batches, (TEST,), suffix, path)


def unpack(archive: Path) -> dict[str, bytes]:
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
                if _is_batch(place.name) and (file := tar.extractfile(member)):
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


def _load(folder: Path) -> dict[str, bytes]:
    try:
        return {file.name: read_bytes(file) for file in folder.iterdir() if _is_batch(file.name)}
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); check its permissions") from None


def _is_batch(name: str) -> bool:
    return name.removesuffix(".bin") in (*TRAIN, TEST)


def _images(batches: Mapping[str, bytes], names: tuple[str, ...], suffix: str, path: Path) -> ImageSet:
    """The named batches joined; a row of a binary batch is the label followed by the pixels."""
    pixels: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for name in names:
        content, place = batches[name + suffix], f"{path / name}{suffix}"
        if not suffix:
            batch_pixels, batch_labels = read_batch(content, name=place)
        elif len(content) % ROW_BYTES:
            raise InputError(
                f"{place}: {len(content):,} bytes are not a whole number of {ROW_BYTES:,}-byte images; "
                "it is damaged, get the official archive again"
            )
        else:
            rows = np.frombuffer(content, dtype=np.uint8).reshape(-1, ROW_BYTES)
            batch_pixels, batch_labels = rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].astype(np.int64)
        if not len(batch_labels) or batch_labels.min() < 0 or batch_labels.max() > 9:
            raise InputError(f"{place}: has no labels, or labels outside 0 to 9; get the official archive again")
        pixels.append(batch_pixels)
        labels.append(batch_labels)
    return ImageSet(np.concatenate(pixels), np.concatenate(labels))
