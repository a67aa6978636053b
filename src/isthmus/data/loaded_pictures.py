"""Images that are in memory already, as pictures: so that every data set can be made into a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from isthmus.core.pixels import levels
from isthmus.core.values import Dataset, ImageSet
from isthmus.data.form import Form
from isthmus.data.interfaces import Picture, Pictures, PictureSet


def pictures_of(dataset: Dataset) -> PictureSet:
    """The images of a loaded data set, which keep their pixels."""
    sets = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    shape, dtype = dataset.train.images.shape, dataset.train.images.dtype
    deep = dtype.itemsize == 2
    return PictureSet(
        {split: _Loaded(images, split) for split, images in sets.items() if images is not None},
        Form(channels=shape[1], depth=16 if deep else 8, range=(0, levels(dtype)) if deep else None),
        dataset.source,
        dataset.class_names,
        dataset.notices,
        dataset.handling,
    )


class _Loaded(Pictures):
    def __init__(self, images: ImageSet, split: str) -> None:
        self.images, self.split = images.images, split
        self.labels, self.factors = images.labels, images.factors

    labels: np.ndarray | None
    factors: Mapping[str, np.ndarray] | None

    def __len__(self) -> int:
        return len(self.images)

    def name(self, index: int) -> str:
        return f"{self.split} image {index}"

    def levels(self, start: int, stop: int) -> np.ndarray | None:
        return self.images[start:stop] if self.images.dtype == np.uint8 else None

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        yield from self.images[start:stop]
