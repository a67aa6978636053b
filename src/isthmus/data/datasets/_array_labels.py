"""Reads the labels of images from an array beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from isthmus.core.errors import InputError
from isthmus.data.datasets._array_files import ArrayInFile, native
from isthmus.data.datasets._labels import Label

CLASS_NAMES = "class_names"  # the array with the names of classes that labels number


def read_labels(array: ArrayInFile) -> list[Label]:
    """One label an image, of an array (N,) or (N, 1) of numbers or text; nan and empty text are no label.

    Raises InputError for anything else.
    """
    place = f"{array.path}: `{array.name}`" if array.name else str(array.path)
    one_each = len(array.shape) == 1 or (len(array.shape) == 2 and array.shape[1] == 1)
    if not one_each or array.dtype.hasobject or array.dtype.kind not in "biufSU":
        hint = "save the class of each image as a number, such as `labels.argmax(1)` of one-hot labels"
        kind = "objects of Python" if array.dtype.hasobject else str(array.dtype)
        raise InputError(f"{place} holds labels of shape {array.shape} and type {kind}; {hint}")
    values = native(array.rows(0, array.shape[0])).reshape(-1)
    if values.dtype.kind == "U":
        return [str(value) or None for value in values]
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") or None for value in values.tolist()]
    if values.dtype.kind == "f":
        known = ~np.isnan(values)
        if not ((values[known] == np.rint(values[known])) & (np.abs(values[known]) < 2**63)).all():
            raise InputError(
                f"{place} holds labels that are no whole numbers of 64 bits; save the class of each image as a number"
            )
        return [int(value) if there else None for value, there in zip(values, known, strict=True)]
    if values.size and (int(values.max()) >= 2**63):
        raise InputError(f"{place} holds labels of 2^63 and more, which label no class; save smaller numbers")
    return [int(value) for value in values]


def packed_names(names: tuple[str, ...]) -> np.ndarray:
    """Names of classes as UTF-8, (K, L) uint8, each filled up with zeros; L is a multiple of 8. Empty without names."""
    texts = [name.encode() for name in names]
    length = -(-max(map(len, texts), default=0) // 8) * 8
    return np.frombuffer(b"".join(text.ljust(length, b"\0") for text in texts), np.uint8).reshape(len(texts), length)


def class_names_of(
    arrays: Mapping[str, ArrayInFile], labels: Iterable[Sequence[Label]]
) -> tuple[tuple[str, ...], list[str]]:
    """The names of the classes that `labels` number, from an array `class_names` among `arrays`, and a notice where it
    is of no use.

    The array is of text (K,), or of UTF-8 as `packed_names` makes it.
    """
    array = arrays.get(CLASS_NAMES)
    numbers = [label for given in labels for label in given if isinstance(label, int)]
    if array is None or not numbers:
        return (), []
    packed = array.dtype == np.uint8 and len(array.shape) == 2
    if not (packed or (array.dtype.kind == "U" and len(array.shape) == 1)) or max(numbers) >= array.shape[0]:
        return (), [
            f"{array.path}: `{array.name}` is not used: it is no text with a name for each class up to {max(numbers)}."
        ]
    rows = array.rows(0, array.shape[0])
    names = (row.tobytes().rstrip(b"\0").decode("utf-8", "replace") if packed else str(row) for row in rows)
    return tuple(names), []
