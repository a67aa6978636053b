"""Images in tar files, the shards of WebDataset."""

from __future__ import annotations

from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.datasets._labels import numbered, said_of_missing
from isthmus.data.datasets._named_splits import said_of_splits
from isthmus.data.datasets._picture_options import Channels, Depth, Range, Size, form_of
from isthmus.data.datasets._tar_index import Index, index_of
from isthmus.data.datasets._tar_pictures import TarPictures
from isthmus.data.datasets._tar_shards import shards_named, shards_of_splits, told
from isthmus.data.form import Alpha, Fit
from isthmus.data.interfaces import DataSource, PictureSet


class Tar(DataSource):
    """Tar files of images, as WebDataset has them: `0001.jpg` with its label in `0001.cls` or `0001.json`.

    Options:
        path: one .tar file; a pattern such as `train-{000..012}.tar` or `train-*.tar`; a list of these; or a folder of
            .tar files. In a folder, files whose names begin with `train`, `validation` (or `val`, `valid`, `dev`) and
            `test` are the splits; a missing split is drawn from the training images.
        test: likewise, the files of the test images.
        image: the end of the names of images, such as `input.png`, where a sample has several.
        label: the end of the names of files with labels, such as `cls`; by default `cls`, else `json`.
        label_key: the label's name in a JSON file.
        size: scale every image to this height and width; needed if the images differ in size.
        fit, channels, depth, range, alpha, shown_channels, skip_broken: as for every data set of pictures.
    """

    def __init__(
        self,
        *,
        path: str | list[str],
        test: str | list[str] | None = None,
        image: str | None = None,
        label: str | None = None,
        label_key: str = "label",
        size: Size | None = None,
        fit: Fit = "crop",
        channels: Channels = "auto",
        depth: Depth = "auto",
        range: Range | None = None,
        alpha: Alpha = "white",
        shown_channels: list[int] | None = None,
        skip_broken: bool = False,
    ) -> None:
        self.paths = [path] if isinstance(path, str) else path
        self.tests = [test] if isinstance(test, str) else test
        if not self.paths:
            raise InputError("data.path: [] is empty; name a tar file or a folder of them")
        self.image, self.label, self.label_key = image, label, label_key
        self.form = form_of(
            size=size, fit=fit, channels=channels, depth=depth, range=range, alpha=alpha, shown_channels=shown_channels
        )
        self.skip_broken = skip_broken

    def load(self) -> Dataset:
        """Read all images into memory. Raises InputError where files are missing or damaged, or hold no images."""
        return decode.load(self.pictures())

    def pictures(self) -> PictureSet:
        """The images in the order of the files, of which only the headers are read. Raises as `load`."""
        shards = dict(shards_of_splits([expanded(path, "data.path") for path in self.paths]))
        if self.tests is not None:
            shards["test"] = [
                shard for path in self.tests for shard in shards_named(expanded(path, "data.test"), "data.test")
            ]
        indices = {split: [self._index(shard) for shard in found] for split, found in shards.items()}
        for split, found in indices.items():
            if not any(len(index) for index in found):
                raise InputError(
                    f"data.{'test' if split == 'test' and self.tests else 'path'}: {told(shards[split])} holds no "
                    "images; name the end of their names with data.image"
                )
        labels = numbered(
            {split: [label for index in found for label in index.labels] for split, found in indices.items()}
        )
        parts = {split: TarPictures(found, labels.parts[split]) for split, found in indices.items()}
        said = said_of_splits({split: (told(shards[split]), len(part)) for split, part in parts.items()})
        unused = sorted({name for found in indices.values() for index in found for name in index.unused})
        notices = (
            [f"{told(shards['train'])} also holds files that are not read: {', '.join(unused)}."] if unused else []
        )
        source = f"tar: {told(shards['train'])}"
        notices += said_of_missing(labels, {split: len(part) for split, part in parts.items()}, source)
        return PictureSet(
            parts=parts,
            form=self.form,
            source=source if self.tests is None else f"{source}, tested on {told(shards['test'])}",
            class_names=labels.class_names,
            notices=tuple(notices),
            said=tuple(filter(None, (said,))),
            files=tuple(dict.fromkeys(shard for found in shards.values() for shard in found)),
            identity={
                "splits": {split: [str(shard) for shard in found] for split, found in shards.items()},
                "members": [self.image, self.label, self.label_key],
            },
            skip_broken=self.skip_broken,
        )

    def _index(self, shard: Path) -> Index:
        return index_of(shard, image=self.image, label=self.label, label_key=self.label_key)
