"""Finds the four IDX files of MNIST and of the data sets in its form, and reads their labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.wording import counted
from isthmus.data.datasets._array_files import ArrayInFile, open_arrays
from isthmus.data.datasets._array_labels import read_labels
from isthmus.data.datasets._labels import Label

_PREFIXES = {"train": ("train",), "validation": ("validation", "val"), "test": ("t10k", "test")}
_PLACES = ("", "raw", "MNIST/raw", "FashionMNIST/raw")  # the latter are torchvision's
SUFFIXES = ("", ".gz")


@dataclass(frozen=True)
class IdxSplit:
    """The images of one split, (N, H, W) or (N, H, W, C), and their labels; empty where there is no file of labels."""

    images: ArrayInFile
    labels: list[Label]
    files: tuple[Path, ...]


def find(folder: Path) -> dict[str, tuple[Path, Path | None]]:
    """Split -> its files of images and of labels, in a folder or where torchvision puts them in it; empty without any.

    The files are called as MNIST's, such as `train-images-idx3-ubyte.gz` and `t10k-labels-idx1-ubyte`.
    """
    for place in _PLACES:
        files = sorted(path for path in (folder / place).glob("*images*idx*ubyte*") if path.is_file())
        found: dict[str, tuple[Path, Path | None]] = {}
        for split, prefixes in _PREFIXES.items():
            for path in files:
                if any(f"-{prefix}-" in f"-{path.name.lower()}" for prefix in prefixes) and split not in found:
                    found[split] = path, _labels_beside(path)
        if "train" in found:
            return found
    return {}


def read(found: Mapping[str, tuple[Path, Path | None]], option: str) -> dict[str, IdxSplit]:
    """Open the files that `find` returned. Raises InputError where one is damaged, or the labels do not fit."""
    return {split: _read(images, labels, option) for split, (images, labels) in found.items()}


def _read(path: Path, labels: Path | None, option: str) -> IdxSplit:
    images = _opened(path, option)
    if len(images.shape) < 3:
        raise InputError(
            f"{option}: {path} holds numbers of shape {images.shape}, and images are (N, H, W); name the file of images"
        )
    if labels is None:
        return IdxSplit(images, [], (path,))
    given = read_labels(_opened(labels, option))
    if len(given) != images.shape[0]:
        raise InputError(
            f"{option}: {labels} holds {counted(len(given), 'label')} for the {counted(images.shape[0], 'image')} of "
            f"{path.name}; get both again"
        )
    return IdxSplit(images, given, (path, labels))


def _opened(path: Path, option: str) -> ArrayInFile:
    arrays = open_arrays(path, option)
    if "" not in arrays or path.suffix in (".npy", ".npz"):
        raise InputError(f"{option}: {path} is not an IDX file; read it with data.kind=arrays")
    return arrays[""]


def with_labels(images: Path) -> tuple[Path, Path | None]:
    """A file of images, and the file of labels beside it."""
    return images, _labels_beside(images) if "images" in images.name else None


def _labels_beside(images: Path) -> Path | None:
    """`train-labels-idx1-ubyte` beside `train-images-idx3-ubyte`, compressed or not."""
    name = images.name.removesuffix(".gz").replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    return next((path for suffix in SUFFIXES if (path := images.with_name(f"{name}{suffix}")).is_file()), None)
