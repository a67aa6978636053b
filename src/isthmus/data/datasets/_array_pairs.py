"""Which arrays of a file are the images of a split, and which are their labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.wording import counted
from isthmus.data.datasets._array_files import ArrayInFile, check_numbers, open_arrays
from isthmus.data.datasets._labels import Label

NAMES = {
    "train": (
        *(("images", "labels"), ("x_train", "y_train"), ("train_images", "train_labels"), ("imgs", "labels")),
        *(("x", "y"), ("data", "target"), ("data", "labels"), ("arr_0", "arr_1"), ("", "labels")),
    ),
    "validation": (
        *(("validation_images", "validation_labels"), ("val_images", "val_labels"), ("x_val", "y_val")),
        *(("x_valid", "y_valid"), ("x_validation", "y_validation")),
    ),
    "test": (("test_images", "test_labels"), ("x_test", "y_test")),
}


def opened(path: Path, option: str) -> Mapping[str, ArrayInFile]:
    """The arrays in a file, or in the .npy files of a folder, whose names are those of the files."""
    if not path.is_dir():
        return open_arrays(path, option)
    files = sorted(path.glob("*.npy"))
    if not files:
        raise InputError(f"{option}: {path} holds no .npy file; name a file of arrays")
    return {file.stem: open_arrays(file, option)[""] for file in files}


def pair_of(
    found: Mapping[str, ArrayInFile], split: str, asked: str | None
) -> tuple[ArrayInFile, ArrayInFile | None] | None:
    """The images of a split and their labels; None where there are none. asked: the name of the training images."""
    by_name = {name.lower(): array for name, array in found.items()}
    if asked is not None and split == "train":
        if asked not in found:
            names = ", ".join(f"`{name}`" for name in found if name)
            remedy = f"there are {names}" if names else "the file holds one array without a name: leave this option out"
            raise InputError(f"data.image_array: there is no array {asked!r}; {remedy}")
        known = next((label for name, label in NAMES["train"] if name == asked.lower()), "labels")
        return found[asked], by_name.get(known)
    for name, label in NAMES[split]:
        if name in by_name:
            labels = by_name.get(label)
            one_each = labels is not None and labels.shape in (by_name[name].shape[:1], (*by_name[name].shape[:1], 1))
            return by_name[name], labels if label != "arr_1" or one_each else None
    only = next(iter(found.values())) if len(found) == 1 else None
    return (only, None) if only is not None and split == "train" else None


def check_labels(images: ArrayInFile, labels: list[Label]) -> None:
    check_numbers(images)
    if labels and images.shape[:1] != (len(labels),):
        count = counted(images.shape[0] if images.shape else 0, "image")
        raise InputError(
            f"{place_of(images)}: {counted(len(labels), 'label')} for {count}; give one label for each image"
        )


def place_of(array: ArrayInFile) -> str:
    return f"{array.path}, {array.name}" if array.name else str(array.path)


def is_safetensors(path: Path) -> bool:
    return path.suffix == ".safetensors"
