"""Arrays of images that were given in Python, kept as a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

from isthmus.core.bounded_reading import open_ordinary
from isthmus.core.errors import InputError
from isthmus.data.datasets._array_files import native
from isthmus.data.datasets._array_labels import CLASS_NAMES, packed_names
from isthmus.data.datasets._array_pictures import ArrayPictures, Layout, channels_first, layout_of, read_blocks
from isthmus.data.datasets._labels import Labels
from isthmus.data.datasets._number_scale import Scale, form_of_scale, said_of_scale, scale_of, scaled
from isthmus.data.datasets.arrays import Arrays
from isthmus.data.form import Form
from isthmus.data.given_images import GivenImages
from isthmus.data.interfaces import PictureSet

_KINDS = {
    "u1": "U8", "i1": "I8", "u2": "U16", "i2": "I16", "u4": "U32", "i4": "I32", "u8": "U64", "i8": "I64",
    "f2": "F16", "f4": "F32", "f8": "F64",
}  # fmt: skip


@dataclass(frozen=True)
class _InMemory:
    """An array as `ArrayPictures` and `read_blocks` read it."""

    values: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.values.dtype

    def rows(self, start: int, stop: int) -> np.ndarray:
        return self.values[start:stop]


class GivenArrays(GivenImages):
    """Images (N, H, W), (N, H, W, C) or (N, C, H, W) of any real type, and their labels, of one part "train".

    The file holds them as (N, C, H, W): numbers that are 8-bit values in a wider type, fractions from 0 to 1 and
    booleans as uint8, others as they are. options: of the data set as the user gave them, with `data.`: `data.layout`
    is of the array, and what else the user chose decides what is kept.
    Raises InputError where this is no set of images.
    """

    name: ClassVar[str] = "images.safetensors"

    def __init__(self, images: np.ndarray, labels: Labels, options: Mapping[str, Any]) -> None:
        if images.dtype.kind not in "biuf" or images.dtype.str[1:] not in (*_KINDS, "b1"):
            raise InputError(f"data: images of type {images.dtype} are not accepted; pass real numbers")
        if not images.size:
            raise InputError(f"data: an array of shape {images.shape} holds no pixels; pass at least one image")
        if images.ndim == 3 and images.shape[2] in (3, 4) and "data.layout" not in options:
            raise InputError(
                f"data: an array of shape {images.shape} is one image; pass several, as (N, H, W, C) or (N, C, H, W), "
                "or set the option data.layout to NHW if these are grey images"
            )
        form = Form.of({key.removeprefix("data."): value for key, value in options.items()})
        self.labels, self.class_names = labels.parts["train"], labels.class_names
        self.images = _InMemory(images)
        self.layout: Layout = layout_of(images.shape, options.get("data.layout", "auto"), form.channels, "data")
        # a picture with nan has no 8-bit values, and the file has one type: reading it names the picture
        finite = images.dtype.kind != "f" or all(np.isfinite(block).all() for block in read_blocks(self.images))
        self.scale: Scale = (
            scale_of(images.dtype, map(native, read_blocks(self.images)), form) if finite else "as-it-is"
        )
        self.options = {"layout": "NCHW"}

    def pictures(self, form: Form) -> PictureSet:
        found = ArrayPictures(self.images, layout=self.layout, scale=self.scale, place="images", labels=self.labels)
        said = said_of_scale(self.scale, len(found))
        own = form_of_scale(form, self.scale)
        return PictureSet({"train": found}, own, "images", self.class_names, said=(said,) if said else ())

    def write(self, file: IO[bytes]) -> None:
        for part in self._content():
            file.write(part)

    def same(self, path: Path) -> bool:
        with open_ordinary(path) as file:
            return all(file.read(len(part)) == part for part in self._content()) and not file.read(1)

    def ours(self, path: Path) -> bool:
        try:
            Arrays(path=str(path)).pictures()
        except InputError:
            return False
        return True

    def _content(self) -> Iterator[bytes]:
        """The bytes of the file, in parts."""
        first = self._kept(self.images.rows(0, 1))
        images = (len(self.images.values), *first.shape[1:])
        bytes_of_images = len(self.images.values) * first.nbytes
        header: dict[str, Any] = {}
        begun = 0
        names = packed_names(self.class_names)
        if self.labels is not None:  # first, so that their eight bytes each are aligned
            begun = 8 * self.labels.size
            header["labels"] = {"dtype": "I64", "shape": list(self.labels.shape), "data_offsets": [0, begun]}
        if names.size:
            header[CLASS_NAMES] = {
                "dtype": "U8",
                "shape": list(names.shape),
                "data_offsets": [begun, begun + names.size],
            }
            begun += names.size
        header["images"] = {
            "dtype": _KINDS[first.dtype.str[1:]],
            "shape": list(images),
            "data_offsets": [begun, begun + bytes_of_images],
        }
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        yield len(text).to_bytes(8, "little") + text
        if self.labels is not None:
            yield self.labels.astype("<i8").tobytes()
        yield names.tobytes()
        for block in read_blocks(self.images):
            kept = self._kept(block)
            yield kept.astype(kept.dtype.newbyteorder("<"), copy=False).tobytes()

    def _kept(self, block: np.ndarray) -> np.ndarray:
        """Images (M, C, H, W) as they are kept."""
        return scaled(native(channels_first(block, self.layout)), self.scale)
