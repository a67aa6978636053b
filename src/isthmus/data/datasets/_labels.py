"""Turns the labels that data sets write in words or numbers into class numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Label = int | str | None
"""Of one picture: a class number, a class name, or None where there is none."""


@dataclass(frozen=True)
class Labels:
    """Class numbers, and what they mean.

    parts: split -> (N,) int64, -1 for a picture without a label; None for a split in which no picture has one.
    class_names: in the order of the numbers; empty where only numbers were given.
    """

    parts: Mapping[str, np.ndarray | None]
    class_names: tuple[str, ...] = ()


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
