"""Loads the images of another package's data set, and checks what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.core.part_packages import ForeignPart
from isthmus.core.values import Dataset, ImageSet


@dataclass(frozen=True)
class ForeignDataSource:
    """A data set of another package. built: the part itself."""

    part: ForeignPart
    built: Any

    def pictures(self) -> None:
        """Nothing before `load`: only what that returns is checked."""

    def load(self) -> Dataset:
        """Its images. Raises InputError with the package's name if it fails, or returns something else."""
        with self.part.used("cannot load its images"):
            found = self.built.load()
            fault = _fault(found)
        if fault is not None:
            raise self.part.refused(f"cannot load its images (it returned {fault})")
        return found


def _fault(found: Any) -> str | None:
    """What is wrong with what a `load()` returned, as an object of a sentence; None if it is a data set."""
    if not isinstance(found, Dataset):
        return f"a {type(found).__name__}, and a Dataset is needed"
    source: Any = found.source
    if not isinstance(source, str):
        return f"a Dataset whose source is a {type(source).__name__}, and text is needed"
    parts: dict[str, Any] = {"train": found.train, "validation": found.validation, "test": found.test}
    shapes: set[tuple[int, ...]] = set()
    for name, part in parts.items():
        if part is None and name != "train":
            continue
        if not isinstance(part, ImageSet):
            return f"a Dataset whose {name} is a {type(part).__name__}, and an ImageSet is needed"
        if (fault := _fault_of_images(part)) is not None:
            return f"a Dataset whose {name} has {fault}"
        shapes.add(part.images.shape[1:])
    return None if len(shapes) == 1 else "a Dataset whose parts have images of different sizes"


def _fault_of_images(part: ImageSet) -> str | None:
    import numpy as np  # here: data sets are listed without it

    images: Any = part.images
    labels: Any = part.labels
    factors: Any = part.factors
    if not isinstance(images, np.ndarray) or images.dtype not in (np.uint8, np.uint16) or images.ndim != 4:
        return f"images that are {_described(images)}, and an array (N, C, H, W) of uint8 or uint16 is needed"
    if labels is not None and not (
        isinstance(labels, np.ndarray) and labels.shape == images.shape[:1] and np.issubdtype(labels.dtype, np.integer)
    ):
        return f"labels that are {_described(labels)}, and an array ({len(images)},) of int64 or None is needed"
    if factors is not None and not (
        isinstance(factors, Mapping) and all(np.shape(values) == images.shape[:1] for values in factors.values())
    ):
        return "factors that are no arrays with one number per image"
    return None


def _described(value: object) -> str:
    shape, kind = getattr(value, "shape", None), getattr(value, "dtype", None)
    return f"a {type(value).__name__}" if shape is None else f"an array {shape} of {kind}"
