"""Labels that are handed to Python functions beside images, or with each image of a data set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from typing import Any, cast

import numpy as np
from PIL import Image

from isthmus.api.given_tensors import as_array, is_array
from isthmus.core.errors import InputError
from isthmus.core.wording import counted, shown
from isthmus.data.datasets._labels import Label, Labels, label_of, numbered

_REMEDY = "pass the class of each image as a whole number or a name, and None where there is none"


def is_pair(images: Any, labels: Any) -> bool:
    """Whether two things that are given together are images and their labels, right or wrong, and not two pictures."""
    if not is_array(images) or len(images.shape) < 3:
        return False
    if len(images.shape) > 3:  # no picture has four axes
        return True
    if isinstance(labels, Image.Image):
        return False
    # one picture may be (H, W, C) and another (H, W); of as many rows as there are images, it is one-hot labels
    return not is_array(labels) or len(labels.shape) < 2 or (len(labels.shape) == 2 and len(labels) == len(images))


def labels_of(given: Any, count: int) -> Labels:
    """The labels of `count` images as one part "train", from an array or a tensor (N,) or (N, 1), or a list.

    None is no labels. Raises InputError where there is not one whole number or name, or none, for each image.
    """
    if given is None:
        return Labels({"train": None})
    images = counted(count, "image")
    if is_array(given):
        array = as_array(given)
        if array.ndim == 0 or (array.ndim > 1 and array.shape[1:] != (1,)):
            raise InputError(
                f"data: labels of shape {array.shape} for {images}; pass the class of each image as one number, such "
                "as `labels.argmax(1)` of one-hot labels"
            )
        values: list[Any] = array.reshape(-1).tolist()
    elif isinstance(given, Collection) and not isinstance(given, str | bytes | Mapping | Set):
        values = list(cast("Collection[Any]", given))
    else:
        raise InputError(f"data: {shown(given)} is no labels; pass one for each image, or the images alone")
    if len(values) != count:
        raise InputError(f"data: {counted(len(values), 'label')} for {images}; pass one for each")
    return numbered({"train": [_label(value, f"data: label {index} is") for index, value in enumerate(values)]})


def is_label(found: Any) -> bool:
    """Whether the second part of an item is a label, if perhaps a wrong one; it may also be a mask or a picture."""
    if is_array(found):
        return tuple(found.shape) in ((), (1,))
    return found is None or isinstance(found, str | bytes | int | float | np.generic)


def label_of_item(found: Any, index: int) -> Label:
    """The label that item `index` of a data set has. Raises InputError where it stands for no class."""
    return _label(found, f"data: the label of item {index} is")


def _label(value: Any, holds: str) -> Label:
    if is_array(value) and tuple(value.shape) in ((), (1,)):
        value = as_array(value).reshape(-1)[0]
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return label_of(value, holds, _REMEDY)
