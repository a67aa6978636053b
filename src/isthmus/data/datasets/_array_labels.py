"""Reads the labels of images from an array beside them."""

from __future__ import annotations

import numpy as np

from isthmus.core.errors import InputError
from isthmus.data.datasets._array_files import ArrayInFile, native
from isthmus.data.datasets._labels import Label


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
        if not (np.isfinite(values[known]).all() and (values[known] == np.rint(values[known])).all()):
            raise InputError(
                f"{place} holds labels that are no whole numbers; save the class of each image as a number"
            )
        return [int(value) if there else None for value, there in zip(values, known, strict=True)]
    if values.size and (int(values.max()) >= 2**63):
        raise InputError(f"{place} holds labels of 2^63 and more, which label no class; save smaller numbers")
    return [int(value) for value in values]
