"""Any folder of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Tally
from isthmus.core.paths import expanded, resolved
from isthmus.core.values import Dataset, ImageSet
from isthmus.core.wording import counted
from isthmus.data.colours import Alpha, Reading, idle_range
from isthmus.data.datasets._named_splits import How, said_of_labels, said_of_splits, split_folders
from isthmus.data.datasets._picture_size import height_and_width
from isthmus.data.interfaces import DataSource
from isthmus.data.picture_files import Listing, list_pictures, read_pictures, remedy, some


class Folder(DataSource):
    """Any folder of images, flat or with a subfolder for each class.

    Every image is scaled until it covers `size`, and cropped to its middle. Where the folder holds `train` and
    `test` or `validation` (also called `val`, `valid` or `dev`), these are the splits; a missing split is drawn from
    the training images.

    Options:
        path: the folder.
        test: another folder, with the test images.
        size: height and width of the images in pixels, one number or two.
        splits: "by-name" as above; with "none", every subfolder is a class; "train-test" uses only `train` and `test`,
            as earlier versions did.
        range: the two values that become black and white in pictures of more than 8 bits; by default 0 and 65,535.
        alpha: "white" lays pictures with an alpha channel over white, "ignore" uses their colours as they are.
        skip_broken: leave out and name the files that cannot be read, instead of stopping.
    """

    def __init__(
        self,
        *,
        path: str,
        test: str | None = None,
        size: int | list[int] = 64,
        splits: How = "by-name",
        range: list[float] | None = None,
        alpha: Alpha = "white",
        skip_broken: bool = False,
    ) -> None:
        self.path = expanded(path, "data.path")
        self.test = None if test is None else expanded(test, "data.test")
        self.size = height_and_width(size)
        self.splits: How = splits
        self.reading = Reading.of({"range": range, "alpha": alpha})
        self.skip_broken = skip_broken

    def load(self) -> Dataset:
        """Read all images into memory, in the order of their paths.

        Raises InputError for a folder without images and, unless `skip_broken` is set, for unreadable files.
        """
        notices: list[str] = []
        folders = self._folders(notices)
        listings = {
            split: list_pictures(folder, "data.test" if split == "test" and self.test else "data.path")
            for split, folder in folders.items()
        }
        class_names = tuple(sorted({name for listing in listings.values() for name in listing.classes or ()}))
        tally = Tally()
        sets = {split: self._read(listing, class_names, notices, tally) for split, listing in listings.items()}
        source = f"folder: {resolved(self.path).name}"
        counts = {split: (folders[split].name, len(images)) for split, images in sets.items()}
        labelled = sum(len(images) for images in sets.values() if images.labels is not None)
        changes = tally.changes()
        notices += idle_range(self.reading, changes)
        said = (said_of_splits(counts), said_of_labels(class_names, labelled, sum(map(len, sets.values()))))
        return Dataset(
            train=sets["train"],
            validation=sets.get("validation"),
            test=sets.get("test"),
            source=source if self.test is None else f"{source}, tested on {resolved(self.test).name}",
            class_names=class_names,
            notices=tuple(notices),
            handling=(*filter(None, said), *changes),
        )

    def _folders(self, notices: list[str]) -> Mapping[str, Path]:
        """Split -> its folder; adds a notice about entries of `path` that are not used."""
        found = split_folders(self.path, self.splits) if self.path.is_dir() else {}
        if self.test is not None and self.splits == "train-test":
            return {"train": self.path, "test": self.test}
        if found:
            used = {found[split].name for split in found if split != "test" or self.test is None}
            others = sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("."))
            if unused := [name for name in others if name not in used]:
                names = " and ".join(found[split].name for split in found if found[split].name in used)
                notices.append(f"Of {self.path}, {names} are used; not used: {some(unused)}.")
        folders = found or {"train": self.path}
        return folders if self.test is None else {**folders, "test": self.test}

    def _read(self, listing: Listing, class_names: tuple[str, ...], notices: list[str], tally: Tally) -> ImageSet:
        """The pictures of a listing; adds to `notices` and `tally` what the user must know about them."""
        images, readable, problems = read_pictures(listing, self.size, self.reading, tally)
        notices += listing.notices
        if problems:
            reasons = [problem.partition("; ")[0] for problem in problems]
            sentence = f"{len(problems):,} of {counted(len(readable), 'image')} in {listing.folder} cannot be read"
            if not self.skip_broken or not readable.any():
                raise InputError(f"{sentence} ({some(reasons)}); {remedy(problems, readable)}")
            notices.append(f"{sentence} and are left out: {some(reasons)}.")
        if listing.classes is None:
            return ImageSet(images)
        numbers = np.array([class_names.index(name) for name in listing.classes], dtype=np.int64)
        return ImageSet(images, numbers[readable])
