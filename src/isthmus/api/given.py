"""Images that are handed to Python functions: arrays, tensors, and data sets of PyTorch and of the Hugging Face hub.

Neither library is imported here: who hands over its objects has imported it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from isthmus.api.given_labels import is_label, is_pair, label_of_item, labels_of
from isthmus.api.given_tensors import as_array, is_array, is_of
from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.data.datasets._labels import Labels
from isthmus.data.datasets._named_splits import split_called
from isthmus.data.given_arrays import GivenArrays
from isthmus.data.given_images import FILES, GivenImages
from isthmus.data.given_pictures import GivenPictures, Item, Items


def given_images(data: Any, options: Mapping[str, Any]) -> GivenImages | None:
    """The images in an object that is passed as `data`; None for anything else.

    options: the data set's, as the user gave them, with `data.`. Raises InputError for images that cannot be kept, and
    where an option names other images.
    """
    found = _given(data, options)
    if found is not None:
        kind = options.get("data.kind", FILES[found.name])
        if kind != FILES[found.name] or "data.path" in options:
            name, value = ("data.path", options["data.path"]) if "data.path" in options else ("data.kind", kind)
            raise InputError(f"{name}: {shown(value)} names other images than those passed as `data`; leave one out")
    return found


def _given(data: Any, options: Mapping[str, Any]) -> GivenImages | None:
    if is_of(data, "datasets", "DatasetDict"):
        return GivenPictures(_HubItems({str(name): split for name, split in data.items()}, options))
    if is_of(data, "datasets", "Dataset"):
        return GivenPictures(_HubItems({"train": data}, options))
    if is_of(data, "datasets", "IterableDataset") or is_of(data, "torch.utils.data", "IterableDataset"):
        raise InputError("data: a data set without length and order cannot be split; pass one whose items have numbers")
    if is_array(data):
        return GivenArrays(as_array(data), Labels({"train": None}), options)
    if isinstance(data, tuple | list) and len(data) == 2 and is_pair(data[0], data[1]):
        return GivenArrays(as_array(data[0]), labels_of(data[1], len(data[0])), options)
    if isinstance(data, Mapping) and any(is_array(value) for value in data.values()):
        raise InputError(
            f"data: a table of {', '.join(map(str, data))} does not say which are the images; pass the images, or the "
            "images and their labels as a pair, such as (data['images'], data['labels'])"
        )
    if is_of(data, "torch.utils.data", "Dataset"):
        return GivenPictures(_Numbered(data, "train"))
    if isinstance(data, list | tuple) and len(data):
        return GivenPictures(_Numbered([(picture,) for picture in data], "train"))
    return None


class _Numbered(Items):
    """The items of a data set of PyTorch: `data[0]` and so on, each a picture or a picture and its label."""

    def __init__(self, data: Any, split: str) -> None:
        self.data, self.split = data, split

    def __len__(self) -> int:
        return _length(self.data)

    def __iter__(self) -> Iterator[Item]:
        for index in range(_length(self.data)):
            found = _got(self.data, index)
            parts: list[Any] = [*found] if isinstance(found, tuple | list) else [found]
            if not parts:
                raise InputError(f"data: item {index} is empty; it must be a picture, or a picture and its label")
            labelled = len(parts) > 1 and is_label(parts[1])  # a data set may also give a mask, or the picture again
            label = label_of_item(parts[1], index) if labelled else None
            yield Item(self.split, _picture(parts[0], index), label, labelled)


class _HubItems(Items):
    """The rows of data sets of the Hugging Face hub's library, split by split."""

    def __init__(self, splits: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        known = {name: split for name in splits if (split := split_called(name)) is not None}
        if "train" not in known.values():
            raise InputError(f"data: of the splits {', '.join(splits)}, none is for training; pass one of them")
        self.splits = {known[name]: split for name, split in splits.items() if name in known}
        features: Mapping[str, Any] = self.splits["train"].features
        hub = sys.modules["datasets"]
        pictures = [name for name, feature in features.items() if isinstance(feature, hub.Image)]
        usual = [*pictures, *(name for name in ("img", "image") if name in features)]
        self.image = options.get("data.image_column") or next(iter(usual), None)
        if self.image not in features:
            raise InputError(
                f"data: no column of images among {', '.join(features)}; name it with the option data.image_column"
            )
        classes = [name for name, feature in features.items() if isinstance(feature, hub.ClassLabel)]
        usual = [*classes, *(name for name in ("label", "labels") if name in features)]
        self.label = options.get("data.label_column") or next(iter(usual), None)
        if self.label is not None and self.label not in features:
            raise InputError(f"data.label_column: there is no column {self.label!r}; there are {', '.join(features)}")
        self.class_names = tuple(features[self.label].names) if self.label in classes else ()
        self.label_asked = "data.label_column" in options
        self.files = self.image in pictures

    def __len__(self) -> int:
        return sum(len(data) for data in self.splits.values())

    def __iter__(self) -> Iterator[Item]:
        hub, begun = sys.modules["datasets"], 0
        for split, data in self.splits.items():
            # the files as they are: decoded, a JPEG would take several times its size
            raw = data.cast_column(self.image, hub.Image(decode=False)) if self.files else data
            for index in range(len(data)):
                row = _got(raw, index)
                found = row[self.image]
                picture = self._file(found, data, index) if self.files else np.asarray(found)
                found = None if self.label is None else row.get(self.label)  # which the test images may lack
                labelled = self.label is not None and (self.label_asked or is_label(found))
                label = label_of_item(found, begun + index) if labelled else None
                yield Item(split, _picture(picture, begun + index), label, labelled)
            begun += len(data)

    def _file(self, found: Any, data: Any, index: int) -> Any:
        """An image file's bytes; where it is no local file, the decoded picture."""
        content, path = found["bytes"], found["path"]
        if content is None and isinstance(path, str) and os.path.isfile(path):
            return Path(path).read_bytes()
        return content if content is not None else _got(data, index)[self.image]


def _picture(found: Any, index: int) -> bytes | Image.Image | np.ndarray:
    if isinstance(found, bytes | Image.Image):
        return found
    if is_array(found):
        return as_array(found)
    raise InputError(f"data: item {index} is {shown(found)}; it must be a PIL image, an array or a tensor")


def _length(data: Any) -> int:
    try:
        return len(data)
    except Exception as error:  # a data set of PyTorch need not have a length
        raise InputError(f"data: a data set without a length cannot be split ({error}); give it `__len__`") from None


def _got(data: Sequence[Any], index: int) -> Any:
    try:
        return data[index]
    except Exception as error:  # the code is the user's or another library's
        raise InputError(f"data: item {index} cannot be read ({type(error).__name__}: {error}); correct it") from error
