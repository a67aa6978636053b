"""The files of a folder as pictures, and their labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from isthmus.core.image_changes import Change
from isthmus.data.datasets._labels import Label, Labels, numbered
from isthmus.data.datasets._metadata_files import Metadata
from isthmus.data.datasets._named_splits import said_of_labels
from isthmus.data.interfaces import Picture, Pictures
from isthmus.data.picture_files import Listing


class Files(Pictures):
    """The files of a listing. top: messages name files relative to it."""

    portable = True

    def __init__(self, top: Path, listing: Listing, labels: np.ndarray | None) -> None:
        self.folder = listing.folder
        self.inside = listing.folder.relative_to(top) if listing.folder.is_relative_to(top) else listing.folder
        self.names = listing.names
        self.labels = labels

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        return str(self.inside / self.names[index])

    def address(self, index: int) -> str:
        return str(self.folder / self.names[index])

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        return (self.folder / name for name in self.names[start:stop])


def labels_of(listings: Mapping[str, Listing], metadata: Metadata) -> tuple[Labels, Change | None]:
    """The labels that a metadata file gives, else those that subfolders give, and where they come from."""
    total = sum(len(listing.names) for listing in listings.values())
    if metadata.labels is None:
        given: dict[str, list[Label]] = {split: list(listing.classes or ()) for split, listing in listings.items()}
        labels = numbered(given)
        return labels, said_of_labels("Folder names", labels.class_names, sum(map(len, given.values())), total)
    said = metadata.labels
    given = {split: [said.get(os.path.normpath(file)) for file in listing.paths] for split, listing in listings.items()}
    labelled = sum(label is not None for found in given.values() for label in found)
    labels, where = numbered(given), " and ".join(dict.fromkeys(file.name for file in metadata.files))
    numbers = sorted({label for found in given.values() for label in found if isinstance(label, int)})
    return labels, said_of_labels(
        f"Column {metadata.column!r} of {where}", labels.class_names or tuple(map(str, numbers)), labelled, total
    )
