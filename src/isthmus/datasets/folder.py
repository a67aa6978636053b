"""Any folder of pictures."""

from __future__ import annotations

import numpy as np

from isthmus.datasets._picture_files import Listing, list_pictures, read_pictures, some
from isthmus.errors import InputError
from isthmus.paths import expanded, resolved
from isthmus.types import Dataset, ImageSet


class Folder:
    """Any folder of images, flat or with a subfolder for each class.

    Every image is scaled until it covers a square of `size` pixels, and cropped to its middle. Where
    the folder holds `train/` and `test/`, these are the splits; otherwise test images are carved.

    Options:
        path: the folder.
        test: another folder, with the test images.
        size: height and width of the images in pixels.
        skip_broken: leave out the files that cannot be read, and name them, rather than stop.
    """

    def __init__(self, *, path: str, test: str | None = None, size: int = 64, skip_broken: bool = False) -> None:
        if size < 1:
            raise InputError(f"data.size: {size} must be at least 1")
        self.path = expanded(path, "data.path")
        self.test = None if test is None else expanded(test, "data.test")
        self.size = size
        self.skip_broken = skip_broken

    def load(self) -> Dataset:
        """Read all images into memory, in the order of their paths.

        Raises InputError for a folder without images and, unless they are skipped, for unreadable files.
        """
        notices: list[str] = []
        train_folder, test_folder = self.path, self.test
        if test_folder is None and (self.path / "train").is_dir() and (self.path / "test").is_dir():
            train_folder, test_folder = self.path / "train", self.path / "test"
            others = sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("."))
            if unused := [name for name in others if name not in ("train", "test")]:
                notices.append(f"{self.path} is used for its train and test, not for: {some(unused)}.")
        train = list_pictures(train_folder, "data.path")
        test = None if test_folder is None else list_pictures(test_folder, "data.test" if self.test else "data.path")
        listings = [train] if test is None else [train, test]
        class_names = tuple(sorted({name for listing in listings for name in listing.classes or ()}))
        sets = [self._read(listing, class_names, notices) for listing in listings]
        source = f"folder: {resolved(self.path).name}"
        return Dataset(
            train=sets[0],
            test=None if test is None else sets[1],
            source=source if self.test is None else f"{source}, tested on {resolved(self.test).name}",
            class_names=class_names,
            notices=tuple(notices),
        )

    def _read(self, listing: Listing, class_names: tuple[str, ...], notices: list[str]) -> ImageSet:
        """The pictures of a listing; what the user must know of them is added to `notices`."""
        images, readable, problems = read_pictures(listing, self.size)
        notices += listing.notices
        if problems:
            sentence = f"{len(problems)} of {len(readable)} images in {listing.folder} cannot be read"
            if not self.skip_broken or not readable.any():
                remedy = "mend or remove them, or leave them out with --skip-broken"
                raise InputError(f"{sentence} ({some(problems)}); {remedy if readable.any() else 'mend them'}")
            notices.append(f"{sentence} and are left out: {some(problems)}.")
        if listing.classes is None:
            return ImageSet(images)
        numbers = np.array([class_names.index(name) for name in listing.classes], dtype=np.int64)
        return ImageSet(images, numbers[readable])
