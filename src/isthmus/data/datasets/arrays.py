"""Images in an array, in a file of NumPy or of safetensors."""

from __future__ import annotations

from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.datasets._array_labels import class_names_of, read_labels
from isthmus.data.datasets._array_pairs import NAMES, check_labels, is_safetensors, opened, pair_of, place_of
from isthmus.data.datasets._array_pictures import Layout, Part, picture_parts
from isthmus.data.datasets._labels import numbered, said_of_missing
from isthmus.data.datasets._picture_options import Channels, Depth, Range, Size, form_of
from isthmus.data.form import Alpha, Fit
from isthmus.data.interfaces import DataSource, PictureSet

KEPT = "images.safetensors"  # the file in which a run keeps the array that it was given


class Arrays(DataSource):
    """Images in an array: a .npy, .npz or safetensors file, or a folder of .npy files.

    Grey images are (N, H, W), others (N, H, W, C) or (N, C, H, W), of whole numbers, floats or booleans. The images are
    the array called `images`, `x_train`, `train_images`, `imgs`, `x`, `data` or `arr_0`, or the only array there is.
    Arrays such as `x_test` and `val_images` are the splits of that name; a missing split is drawn from the training
    images. Labels are `labels`, `y_train`, `y_test` and so on: one number or name an image. An array `class_names` of
    text has the names of classes that are numbers.

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
            size=size, fit=fit, channels=channels, depth=depth, range=range, alpha=alpha, shown_channels=shown_channels
        )
        self.skip_broken = skip_broken

    def load(self) -> Dataset:
        """Read all images into memory. Raises InputError where the file is missing, damaged or holds no images."""
        return decode.load(self.pictures())

    def pictures(self) -> PictureSet:
        """The images as they lie in the file. Raises as `load`."""
        found = opened(self.path, "data.path")
        arrays = {split: pair for split in NAMES if (pair := pair_of(found, split, self.image_array)) is not None}
        if "train" not in arrays:
            names = ", ".join(f"`{name}`" for name in found) or "no array"
            raise InputError(
                f"data.path: {self.path} holds {names}, of which none is known as the images; name it with "
                "data.image_array"
            )
        if self.test is not None:
            tests = opened(self.test, "data.test")
            pair = pair_of(tests, "test", None) or pair_of(tests, "train", None)
            if pair is None:
                names = ", ".join(f"`{name}`" for name in tests)
                raise InputError(f"data.test: {self.test} holds {names}; call the images `images`")
            arrays["test"] = pair
        labels = {split: [] if given is None else read_labels(given) for split, (_, given) in arrays.items()}
        if self.label_file is not None:
            given = opened(self.label_file, "data.label_file")
            labels["train"] = read_labels(given.get("labels") or next(iter(given.values())))
        for split, (images, _) in arrays.items():
            check_labels(images, labels[split])
        class_names, notices = class_names_of(found, labels.values())
        numbers = numbered(labels, class_names)
        kept = self.path.name == KEPT
        parts = {
            split: Part(images, "" if kept and split == "train" else place_of(images), numbers.parts[split])
            for split, (images, _) in arrays.items()
        }
        stored = self.layout == "auto" and is_safetensors(self.path) and len(parts["train"].values.shape) == 4
        layout: Layout = "NCHW" if stored else self.layout
        pictures, form, said = picture_parts(parts, layout, self.form)
        files = {images.path for images, _ in arrays.values()} | ({self.label_file} if self.label_file else set())
        source = "an array" if kept else f"arrays: {self.path.name}"
        notices += said_of_missing(numbers, {split: len(found) for split, found in pictures.items()}, source)
        return PictureSet(
            parts=pictures,
            form=form,
            source=source if self.test is None else f"{source}, tested on {self.test.name}",
            class_names=numbers.class_names,
            notices=tuple(notices),
            said=said,
            files=tuple(sorted(files)),
            identity={"layout": layout, "image_array": self.image_array},
            skip_broken=self.skip_broken,
        )
