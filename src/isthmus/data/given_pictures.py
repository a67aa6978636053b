"""Pictures that a data set of another library gives one by one, kept as a parquet file."""

from __future__ import annotations

import io
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps

from isthmus.core.errors import InputError
from isthmus.data.batch_levels import to_levels
from isthmus.data.datasets._array_files import native
from isthmus.data.datasets._array_pictures import channels_first, layout_of
from isthmus.data.datasets._labels import Label
from isthmus.data.datasets._parquet_table import Columns, open_table
from isthmus.data.form import Form
from isthmus.data.given_images import GivenImages
from isthmus.data.interfaces import Picture, Pictures, PictureSet

_ROWS = 256  # of a row group
_PNG = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
_NO_FILE = {"HSV": "RGB", "La": "LA", "RGBa": "RGBA"}  # modes that no format holds, and how they are read
_IMAGE, _LABEL, _SPLIT = "image", "label", "split"


@dataclass(frozen=True)
class Item:
    """One picture: an image file's bytes, a PIL image or the numbers of an array; its split and its label.

    labelled: whether its source gives labels; then None is a missing one.
    """

    split: str
    picture: bytes | Image.Image | np.ndarray
    label: Label = None
    labelled: bool = False


class Items(ABC):
    """Pictures that can be gone through again. class_names: of labels that are numbers; empty where unknown."""

    class_names: tuple[str, ...] = ()

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Item]: ...


class ItemPictures(Pictures):
    """The pictures of `items`, one after the other; their labels are known once they are read.

    form: of the model that reads them. Arrays are (H, W), (H, W, C) or (C, H, W), and their values are those that
    `to_levels` describes.
    """

    def __init__(self, items: Items, form: Form) -> None:
        self.items, self.form = items, form
        first = next(iter(items)).label
        self.labelled, self.named = first is not None, isinstance(first, str) or bool(items.class_names)
        self._given: dict[int, Label] = {}
        self._left: Iterator[Item] = iter(())
        self._at = -1

    def __len__(self) -> int:
        return len(self.items)

    def name(self, index: int) -> str:
        return f"images:{index}"

    def label(self, index: int) -> Label:
        """Of a picture that was just read."""
        label, names = self._given.pop(index, None), self.items.class_names
        return names[label] if isinstance(label, int) and 0 <= label < len(names) else label

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        if start != self._at:  # from the beginning again: items can only be gone through
            self._left, self._at = islice(iter(self.items), start, None), start
        for item in islice(self._left, stop - start):
            self._given[self._at] = item.label
            self._at += 1
            yield self._levels(item.picture) if isinstance(item.picture, np.ndarray) else item.picture

    def _levels(self, values: np.ndarray) -> np.ndarray:
        found = native(values)
        channels = self.form.channels if isinstance(self.form.channels, int) else "auto"
        layout = layout_of((1, *found.shape), "auto", channels, "images")
        return to_levels(channels_first(found[None], layout), self.form)[0]


class GivenPictures(GivenImages):
    """Pictures of `items`: images files and PIL images of any size, or arrays of one shape and type.

    The first picture decides which; all are read only when the file is written. Raises InputError where there is none.
    """

    name: ClassVar[str] = "images.parquet"

    def __init__(self, items: Items) -> None:
        first = next(iter(items), None)
        if first is None:
            raise InputError("data: holds no images; pass a data set that holds some")
        self.items = items
        self.array = native(first.picture) if isinstance(first.picture, np.ndarray) else None
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        if self.array is not None:
            if self.array.ndim not in (2, 3) or not self.array.size or self.array.dtype.kind not in "biuf":
                raise InputError(
                    f"data: its first image is an array of shape {self.array.shape} and type {self.array.dtype}; it "
                    "must be (H, W), (H, W, C) or (C, H, W) of real numbers"
                )
            kind = pa.list_(pa.from_numpy_dtype(self.array.dtype), self.array.size)
        label = first.label
        if first.labelled and label is None:
            label = next((item.label for item in items if item.label is not None), None)
        kind_of_label = pa.string() if isinstance(label, str) else pa.int64()
        names = {"_type": "ClassLabel", "names": list(items.class_names)}
        features = json.dumps({"info": {"features": {_LABEL: names}}})
        # without a column of labels, the data set that reads the file says that there are none
        labels = [(_LABEL, kind_of_label)] if first.labelled else []
        self.schema: Any = pa.schema(
            [(_IMAGE, kind), *labels, (_SPLIT, pa.string())],
            metadata={"huggingface": features} if items.class_names else None,
        )
        shape = {} if self.array is None else {"shape": list(self.array.shape)}
        self.options: Mapping[str, Any] = {
            **shape,
            "image_column": _IMAGE,
            "label_column": _LABEL,
            "split_column": _SPLIT,
        }

    def pictures(self, form: Form) -> PictureSet:
        items = ItemPictures(self.items, form)
        own = replace(form, range=(0.0, 65535.0)) if form.depth == 16 and self.array is not None else form
        return PictureSet({"train": items}, own, "images", self.items.class_names)

    def write(self, file: IO[bytes]) -> None:
        # otherwise the name of the lists' inner field is changed, and `same` would find another schema
        with pq.ParquetWriter(file, self.schema, use_compliant_nested_type=False) as writer:
            for table in self._tables():
                writer.write_table(table)

    def same(self, path: Path) -> bool:
        try:
            with pq.ParquetFile(path) as file:
                if not file.schema_arrow.equals(self.schema, check_metadata=True):
                    return False
                groups = map(file.read_row_group, range(file.metadata.num_row_groups))
                pairs = zip_longest(self._tables(), groups)
                return all(ours is not None and theirs is not None and ours.equals(theirs) for ours, theirs in pairs)
        except pa.ArrowException:
            return False

    def ours(self, path: Path) -> bool:
        try:
            open_table(path, Columns(_IMAGE, _LABEL, _SPLIT))
        except InputError:
            return False
        return True

    def _tables(self) -> Iterator[Any]:
        """The rows in tables of one row group each."""
        items = iter(self.items)
        begun = 0
        while rows := list(islice(items, _ROWS)):
            columns = {
                _IMAGE: [self._kept(item.picture, begun + index) for index, item in enumerate(rows)],
                _LABEL: [item.label for item in rows],
                _SPLIT: [item.split for item in rows],
            }
            if _LABEL not in self.schema.names and any(item.label is not None for item in rows):
                index = begun + next(index for index, item in enumerate(rows) if item.label is not None)
                raise InputError(f"data: image {index} has a label, and the first has none; give it None as its label")
            try:
                arrays = [pa.array(columns[field.name], field.type) for field in self.schema]
            except (pa.ArrowException, TypeError, OverflowError) as error:
                raise InputError(
                    f"data: the images and labels {begun} to {begun + len(rows) - 1} are not of the type of the first "
                    f"({str(error).partition(chr(10))[0]}); give all the same type"
                ) from None
            yield pa.Table.from_arrays(arrays, schema=self.schema)
            begun += len(rows)

    def _kept(self, picture: bytes | Image.Image | np.ndarray, index: int) -> Any:
        """A picture as its column holds it."""
        if (self.array is None) != (not isinstance(picture, np.ndarray)):
            raise InputError(
                f"data: image {index} is of another kind than the first; give all as pictures or all as arrays"
            )
        if isinstance(picture, np.ndarray):
            if self.array is None or (picture.shape, native(picture).dtype) != (self.array.shape, self.array.dtype):
                first = None if self.array is None else (self.array.shape, str(self.array.dtype))
                raise InputError(
                    f"data: image {index} is an array of shape {picture.shape} and type {picture.dtype}, and the first "
                    f"is {first}; give all one shape and type, or give pictures"
                )
            return np.ascontiguousarray(native(picture)).ravel()
        if isinstance(picture, bytes):
            return {"bytes": picture, "path": None}
        try:
            return {"bytes": _file_of(picture), "path": None}
        except Exception as error:  # of any class: a PIL image reads its file only now
            raise InputError(
                f"data: image {index} cannot be kept ({error}); convert it to another mode, such as RGB, or "
                "leave it out"
            ) from None


def _file_of(picture: Image.Image) -> bytes:
    """A PIL image as the bytes of a file that loses nothing that is read of the image, upright."""
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in _NO_FILE:
        upright = upright.convert(_NO_FILE[upright.mode])
    buffer = io.BytesIO()
    if upright.mode in _PNG:
        upright.save(buffer, "PNG", compress_level=1)  # it is read once or twice, and then from a store
    else:
        upright.save(buffer, "TIFF")
    return buffer.getvalue()
