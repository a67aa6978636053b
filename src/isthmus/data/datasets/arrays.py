"""Images in an array, in a file of NumPy or of safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.values import Dataset
from isthmus.core.wording import counted
from isthmus.data import decode
from isthmus.data.datasets._array_files import ArrayInFile, check_numbers, open_arrays
from isthmus.data.datasets._array_labels import read_labels
from isthmus.data.datasets._array_pictures import Layout, Part, picture_parts
from isthmus.data.datasets._labels import Label, numbered
from isthmus.data.datasets._picture_options import Channels, Depth, Range, Size, form_of
from isthmus.data.form import Alpha, Fit
from isthmus.data.interfaces import DataSource, PictureSet

KEPT = "images.safetensors"  # the file in which a run keeps the array that it was given
_NAMES = {
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


class Arrays(DataSource):
    """Images in an array: a .npy, .npz or safetensors file, or a folder of .npy files.

    Grey images are (N, H, W), others (N, H, W, C) or (N, C, H, W), of whole numbers, floats or booleans. The images are
    the array called `images`, `x_train`, `train_images`, `imgs`, `x`, `data` or `arr_0`, or the only array there is.
    Arrays such as `x_test` and `val_images` are the splits of that name; a missing split is drawn from the training
    images. Labels are `labels`, `y_train`, `y_test` and so on: one number or name an image.

    Options:
        path: the file, or the folder of .npy files.
        test: a file with the test images.
        label_file: a file with the labels of the training images, where `path` holds none.
        image_array: the name of the array of training images, if it is another.
        layout: which axes the array has; safetensors files are NCHW if they have four axes.
        size, fit, channels, depth, range, alpha, shown_channels, skip_broken: as for every data set of pictures.
    """

    def __init__(
        self,
        *,
        path: str,
        test: str | None = None,
        label_file: str | None = None,
        image_array: str | None = None,
        layout: Layout = "auto",
        size: Size | None = None,
        fit: Fit = "crop",
        channels: Channels = "auto",
        depth: Depth = "auto",
        range: Range | None = None,
        alpha: Alpha = "white",
        shown_channels: list[int] | None = None,
        skip_broken: bool = False,
    ) -> None:
        self.path = expanded(path, "data.path")
        self.test = None if test is None else expanded(test, "data.test")
        self.label_file = None if label_file is None else expanded(label_file, "data.label_file")
        self.image_array = image_array
        self.layout: Layout = layout
        self.form = form_of(
            size=size,
            fit=fit,
            channels=channels,
            depth=depth,
            range=range,
            alpha=alpha,
            shown_channels=shown_channels,
        )
        self.skip_broken = skip_broken

    def load(self) -> Dataset:
        """Read all images into memory. Raises InputError where the file is missing, damaged or holds no images."""
        return decode.load(self.pictures())

    def pictures(self) -> PictureSet:
        """The images as they lie in the file. Raises as `load`."""
        found = _open(self.path, "data.path")
        arrays = {split: pair for split in _NAMES if (pair := _pair(found, split, self.image_array)) is not None}
        if "train" not in arrays:
            names = ", ".join(f"`{name}`" for name in found) or "no array"
            raise InputError(
                f"data.path: {self.path} holds {names}, of which none is known as the images; name it with "
                "data.image_array"
            )
        if self.test is not None:
            tests = _open(self.test, "data.test")
            pair = _pair(tests, "test", None) or _pair(tests, "train", None)
            if pair is None:
                names = ", ".join(f"`{name}`" for name in tests)
                raise InputError(f"data.test: {self.test} holds {names}; call the images `images`")
            arrays["test"] = pair
        labels = {split: [] if given is None else read_labels(given) for split, (_, given) in arrays.items()}
        if self.label_file is not None:
            given = _open(self.label_file, "data.label_file")
            labels["train"] = read_labels(given.get("labels") or next(iter(given.values())))
        for split, (images, _) in arrays.items():
            _check_labels(images, labels[split])
        numbers = numbered(labels)
        parts = {split: Part(images, _place(images), numbers.parts[split]) for split, (images, _) in arrays.items()}
        stored = self.layout == "auto" and _is_safetensors(self.path) and len(parts["train"].values.shape) == 4
        layout: Layout = "NCHW" if stored else self.layout
        pictures, form, said = picture_parts(parts, layout, self.form)
        files = {images.path for images, _ in arrays.values()} | ({self.label_file} if self.label_file else set())
        kept = f"{counted(len(pictures['train']), 'image')} from an array"
        source = kept if self.path.name == KEPT else f"arrays: {self.path.name}"
        return PictureSet(
            parts=pictures,
            form=form,
            source=source if self.test is None else f"{source}, tested on {self.test.name}",
            class_names=numbers.class_names,
            said=said,
            files=tuple(sorted(files)),
            identity={"layout": layout, "image_array": self.image_array},
            skip_broken=self.skip_broken,
        )


def _open(path: Path, option: str) -> Mapping[str, ArrayInFile]:
    """The arrays in a file, or in the .npy files of a folder, whose names are those of the files."""
    if not path.is_dir():
        return open_arrays(path, option)
    files = sorted(path.glob("*.npy"))
    if not files:
        raise InputError(f"{option}: {path} holds no .npy file; name a file of arrays")
    return {file.stem: open_arrays(file, option)[""] for file in files}


def _pair(
    found: Mapping[str, ArrayInFile], split: str, asked: str | None
) -> tuple[ArrayInFile, ArrayInFile | None] | None:
    """The images of a split and their labels; None where there are none. asked: the name of the training images."""
    by_name = {name.lower(): array for name, array in found.items()}
    if asked is not None and split == "train":
        if asked not in found:
            names = ", ".join(f"`{name}`" for name in found if name)
            remedy = f"there are {names}" if names else "the file holds one array without a name: leave this option out"
            raise InputError(f"data.image_array: there is no array {asked!r}; {remedy}")
        known = next((label for name, label in _NAMES["train"] if name == asked.lower()), "labels")
        return found[asked], by_name.get(known)
    for name, label in _NAMES[split]:
        if name in by_name:
            labels = by_name.get(label)
            one_each = labels is not None and labels.shape in (by_name[name].shape[:1], (*by_name[name].shape[:1], 1))
            return by_name[name], labels if label != "arr_1" or one_each else None
    only = next(iter(found.values())) if len(found) == 1 else None
    return (only, None) if only is not None and split == "train" else None


def _check_labels(images: ArrayInFile, labels: list[Label]) -> None:
    check_numbers(images)
    if labels and images.shape[:1] != (len(labels),):
        count = counted(images.shape[0] if images.shape else 0, "image")
        raise InputError(
            f"{_place(images)}: {counted(len(labels), 'label')} for {count}; give one label for each image"
        )


def _place(array: ArrayInFile) -> str:
    return f"{array.path}, {array.name}" if array.name else str(array.path)


def _is_safetensors(path: Path) -> bool:
    return path.suffix == ".safetensors"
