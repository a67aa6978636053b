"""Any folder of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from isthmus.core.paths import expanded, resolved
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.datasets._folder_pictures import Files, labels_of
from isthmus.data.datasets._labels import said_of_missing
from isthmus.data.datasets._metadata_files import find_metadata, read_metadata
from isthmus.data.datasets._named_splits import How, said_of_splits, split_folders
from isthmus.data.datasets._picture_options import Channels, Depth, Range, Size, form_of
from isthmus.data.form import Alpha, Fit
from isthmus.data.interfaces import DataSource, PictureSet
from isthmus.data.picture_files import list_pictures, some


class Folder(DataSource):
    """Any folder of images, flat or with a subfolder for each class.

    Where the folder holds `train` and `test` or `validation` (also called `val`, `valid` or `dev`), these are the
    splits; a missing split is drawn from the training images. Labels are the names of subfolders, or come from a file
    `metadata.csv` or `metadata.jsonl` beside the pictures, with a column `file_name`.

    Options:
        path: the folder.
        test: another folder, with the test images.
        label_column: the column of `metadata.csv` with the labels; `label` if not given.
        size: height and width of the images in pixels, one number or two.
        splits: "by-name": folders named `train`, `validation` and `test` are these splits; "none": every subfolder is a
            class; "train-test" uses only `train` and `test`, as earlier versions did.
        fit, channels, depth, range, alpha, shown_channels, skip_broken: as for every data set of pictures.
    """

    def __init__(
        self,
        *,
        path: str,
        test: str | None = None,
        label_column: str | None = None,
        size: Size = 64,
        splits: How = "by-name",
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
        self.label_column = label_column
        self.splits: How = splits
        self.form = form_of(
            size=size, fit=fit, channels=channels, depth=depth, range=range, alpha=alpha, shown_channels=shown_channels
        )
        self.skip_broken = skip_broken

    def load(self) -> Dataset:
        """Read all images into memory, in the order of their paths.

        Raises InputError for a folder without images and, unless `skip_broken` is set, for unreadable files.
        """
        return decode.load(self.pictures())

    def pictures(self) -> PictureSet:
        """The files, in the order of their paths, and their labels.

        Raises InputError for a folder without images, and for metadata of files that are not there.
        """
        notices: list[str] = []
        folders = self._folders(notices)
        tables = [found for place in dict.fromkeys((self.path, *folders.values())) if (found := find_metadata(place))]
        listings = {
            split: list_pictures(folder, "data.test" if split == "test" and self.test else "data.path", beside=tables)
            for split, folder in folders.items()
        }
        for listing in listings.values():
            notices += listing.notices
        every = [path for listing in listings.values() for path in listing.paths]
        metadata = read_metadata(tables, self.label_column, every)
        notices += metadata.notices
        labels, said = labels_of(listings, metadata)
        parts = {split: Files(self.path, listing, labels.parts[split]) for split, listing in listings.items()}
        source = f"folder: {resolved(self.path).name}"
        notices += said_of_missing(labels, {split: len(part) for split, part in parts.items()}, source)
        counts = {split: (folders[split].name, len(part)) for split, part in parts.items()}
        return PictureSet(
            parts=parts,
            form=self.form,
            source=source if self.test is None else f"{source}, tested on {resolved(self.test).name}",
            class_names=labels.class_names,
            notices=tuple(notices),
            said=tuple(filter(None, (said_of_splits(counts), said))),
            files=(*every, *metadata.files),
            identity={
                "splits": {split: str(resolved(folder)) for split, folder in folders.items()},
                "label_column": self.label_column,
            },
            skip_broken=self.skip_broken,
        )

    def _folders(self, notices: list[str]) -> Mapping[str, Path]:
        """Split -> its folder; adds a notice about entries of `path` that are not used."""
        found = split_folders(self.path, self.splits) if self.path.is_dir() else {}
        if self.test is not None and self.splits == "train-test":
            return {"train": self.path, "test": self.test}
        if found:
            used = {found[split].name for split in found if split != "test" or self.test is None}
            used |= {table.name} if (table := find_metadata(self.path)) else set()
            others = sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("."))
            if unused := [name for name in others if name not in used]:
                names = " and ".join(found[split].name for split in found if found[split].name in used)
                notices.append(f"Of {self.path}, {names} are used; not used: {some(unused)}.")
        folders = found or {"train": self.path}
        return folders if self.test is None else {**folders, "test": self.test}
