"""Images that are handed to Python functions: arrays, tensors, and data sets of PyTorch and of the Hugging Face hub.

Neither library is imported here: who hands over its objects has imported it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.core.wording import counted, shown
from isthmus.data.datasets._labels import Label
from isthmus.data.datasets._named_splits import split_called
from isthmus.data.given_arrays import GivenArrays
from isthmus.data.given_images import GivenImages
from isthmus.data.given_pictures import GivenPictures, Item, Items


def given_images(data: Any, options: Mapping[str, Any]) -> GivenImages | None:
    """The images in an object that is passed as `data`; None for anything else.

    options: the data set's, as the user gave them, with `data.`. Raises InputError for images that cannot be kept.
    """
    if _is(data, "datasets", "DatasetDict"):
        return GivenPictures(_HubItems({str(name): split for name, split in data.items()}, options))
    if _is(data, "datasets", "Dataset"):
        return GivenPictures(_HubItems({"train": data}, options))
    if _is(data, "datasets", "IterableDataset") or _is(data, "torch.utils.data", "IterableDataset"):
        raise InputError("data: a data set without length and order cannot be split; pass one whose items have numbers")
    if _is_array(data):
        return GivenArrays(_array(data), None, options)
    if isinstance(data, tuple | list) and len(data) == 2 and _is_array(data[0]) and _are_labels(data[1], len(data[0])):
        return GivenArrays(_array(data[0]), _labels(data[1]), options)
    _refuse_other_labels(data)
    if _is(data, "torch.utils.data", "Dataset"):
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
            parts = found if isinstance(found, tuple | list) else (found,)
            if not parts:
                raise InputError(f"data: item {index} is empty; it must be a picture, or a picture and its label")
            yield Item(self.split, _picture(parts[0], index), _label(parts[1]) if len(parts) > 1 else None)


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
                yield Item(
                    split, _picture(picture, begun + index), None if self.label is None else _label(row[self.label])
                )
            begun += len(data)

    def _file(self, found: Any, data: Any, index: int) -> Any:
        """An image file's bytes; where it is no local file, the decoded picture."""
        content, path = found["bytes"], found["path"]
        if content is None and isinstance(path, str) and os.path.isfile(path):
            return Path(path).read_bytes()
        return content if content is not None else _got(data, index)[self.image]


def _is(data: Any, module: str, name: str) -> bool:
    """Whether `data` is an object of this class of another library; false where that library is not loaded."""
    kind = vars(sys.modules[module]).get(name) if module in sys.modules else None
    return isinstance(kind, type) and isinstance(data, kind)


def _is_array(data: Any) -> bool:
    return isinstance(data, np.ndarray) or _is(data, "torch", "Tensor")


def _array(data: Any) -> np.ndarray:
    """An array or a tensor of any device as an array."""
    if isinstance(data, np.ndarray):
        if isinstance(data, np.ma.MaskedArray) and np.ma.is_masked(data):
            raise InputError("data: a masked array hides some of its values; fill them in with `.filled(VALUE)`")
        return data
    try:
        tensor = data.detach().cpu()
        return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()  # which NumPy lacks
    except Exception as error:  # of any class: a sparse or quantised tensor, or a type that NumPy does not have
        raise InputError(f"data: this tensor is not an array of numbers ({error}); pass a dense one") from None


def _are_labels(data: Any, count: int) -> bool:
    """Whether `data` is one number for each of `count` images."""
    if _is_array(data):
        return tuple(data.shape) in ((count,), (count, 1))
    return isinstance(data, list | tuple) and len(data) == count and not isinstance(data[0], list | tuple | Image.Image)


def _refuse_other_labels(data: Any) -> None:
    """Raise InputError for images and labels of another number."""
    if not isinstance(data, tuple | list) or len(cast("Sequence[Any]", data)) != 2:
        return
    images, labels = cast("Sequence[Any]", data)
    if not _is_array(images) or len(images.shape) < 3:
        return
    if _is_array(labels):
        single = len(labels.shape) == 1
    else:
        single = isinstance(labels, list | tuple) and all(
            isinstance(one, str | int | np.integer) for one in cast("Sequence[Any]", labels)
        )
    if single:
        count = counted(len(images), "image")
        raise InputError(f"data: {counted(len(labels), 'label')} for {count}; pass one for each")


def _labels(data: Any) -> np.ndarray:
    labels = (_array(data) if _is_array(data) else np.asarray(data)).reshape(-1)
    if labels.dtype.kind not in "biu" and not (labels.dtype.kind == "f" and (labels == np.rint(labels)).all()):
        raise InputError(
            f"data: labels of type {labels.dtype} are not accepted; pass the class of each image as a number"
        )
    return labels.astype(np.int64)


def _picture(found: Any, index: int) -> bytes | Image.Image | np.ndarray:
    if isinstance(found, bytes | Image.Image):
        return found
    if _is_array(found):
        return _array(found)
    raise InputError(f"data: item {index} is {shown(found)}; it must be a PIL image, an array or a tensor")


def _label(found: Any) -> Label:
    """A label, if that is what the second part of an item is; a data set may also give a mask or the image again."""
    if isinstance(found, str):
        return found or None
    if isinstance(found, int | np.integer):
        return int(found)
    return int(found.item()) if _is_array(found) and tuple(found.shape) in ((), (1,)) else None


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
