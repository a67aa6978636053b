"""Turns the labels that data sets write in words or numbers into class numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.wording import counted, shown

Label = int | str | None
"""Of one picture: a class number, a class name, or None where there is none."""
_USES = {"train": "to train on", "validation": "for validation", "test": "for test"}


@dataclass(frozen=True)
class Labels:
    """Class numbers, and what they mean.

    parts: split -> (N,) int64, -1 for a picture without a label; None for a split in which no picture has one.
    class_names: in the order of the numbers; empty where only numbers were given.
    """

    parts: Mapping[str, np.ndarray | None]
    class_names: tuple[str, ...] = ()


def label_of(value: Any, holds: str, remedy: str) -> Label:
    """The label that a value of a source stands for; None, nan and empty text are no label.

    holds: what has the value, with a verb, such as "a.csv: column 'label' holds".
    Raises InputError for a value that is neither a whole number nor text, and for a number beyond 64 bits.
    """
    if value is None or isinstance(value, str):
        return str(value) if value else None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):  # as pandas writes a missing number
        return None
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not whole:
        raise InputError(f"{holds} {shown(value)}, which is neither a whole number nor a name; {remedy}")
    if not -(2**63) <= value < 2**63:
        raise InputError(f"{holds} {shown(value)}, which is too large for the number of a class; {remedy}")
    return int(value)


def numbered(parts: Mapping[str, Sequence[Label]], class_names: tuple[str, ...] = ()) -> Labels:
    """Class numbers for the labels of each split.

    Numbers stay as they are. Names are numbered in sorted order, or in the order of `class_names`, the names that the
    source gives. Where a source mixes both, its numbers count as names.
    """
    given = [label for labels in parts.values() for label in labels if label is not None]
    words = any(isinstance(label, str) for label in given)
    names = class_names
    if words:
        found = {str(label) for label in given}
        names = class_names if found <= set(class_names) else tuple(sorted(found))
    number = {name: index for index, name in enumerate(names)}
    return Labels({split: _numbers(labels, number if words else None) for split, labels in parts.items()}, names)


def _numbers(labels: Iterable[Label], number: Mapping[str, int] | None) -> np.ndarray | None:
    """(N,) int64 of the labels of one split; number: of each name, None where the labels are numbers."""
    found = [-1 if label is None else int(label) if number is None else number[str(label)] for label in labels]
    numbers = np.array(found, dtype=np.int64)
    return numbers if (numbers != -1).any() else None


def said_of_missing(labels: Labels, images: Mapping[str, int], place: str) -> list[str]:
    """A notice where some images have a label and others have none.

    images: split -> their number. place: what messages call all of them.
    """
    lacking = {
        split: count if (known := labels.parts[split]) is None else int((known == -1).sum())
        for split, count in images.items()
    }
    missing, total = sum(lacking.values()), sum(images.values())
    if missing in (0, total):
        return []
    where = ", ".join(
        f"{missing:,} of {images[split]:,} {_USES[split]}" for split, missing in lacking.items() if missing
    )
    verb = "has" if missing == 1 else "have"
    told = f": {where}" if len(images) > 1 else ""
    return [f"{missing:,} of {counted(total, 'image')} in {place} {verb} no label{told}."]
