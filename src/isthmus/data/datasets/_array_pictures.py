"""The images of an array as pictures: where its channels are, and on which scale its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Change
from isthmus.data.datasets._array_files import PackedArray, StoredArray, native
from isthmus.data.datasets._number_scale import Scale, form_of_scale, said_of_scale, scale_of, scaled
from isthmus.data.datasets._picture_options import Channels
from isthmus.data.form import Form
from isthmus.data.interfaces import Picture, Pictures

Layout = Literal["auto", "NHW", "NHWC", "NCHW"]
_USUAL_CHANNELS = (1, 3, 4)
_BLOCK_BYTES = 1 << 22  # read at once: many small images, or one large


class Values(Protocol):
    """An array that is read by rows, in a file or in memory."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def rows(self, start: int, stop: int) -> np.ndarray: ...


class ArrayPictures(Pictures):
    """The images of `values`, whose axes are `layout` (not "auto") and whose numbers are on `scale`.

    place: what messages call the array, such as its file; empty where it is the only one, and its file isthmus's own.
    """

    def __init__(
        self, values: Values, *, layout: Layout, scale: Scale, place: str, labels: np.ndarray | None = None
    ) -> None:
        self.values, self.place, self.labels = values, place, labels
        self.layout: Layout = layout
        self.scale: Scale = scale
        self.portable = isinstance(values, StoredArray)

    def __len__(self) -> int:
        return self.values.shape[0]

    def name(self, index: int) -> str:
        return f"{self.place}, image {index}" if self.place else f"image {index}"

    def address(self, index: int) -> str:
        if isinstance(self.values, StoredArray | PackedArray):
            return ":".join(filter(None, (str(self.values.path), self.values.name, str(index))))
        return f"{self.place}:{index}"

    def levels(self, start: int, stop: int) -> np.ndarray | None:
        block = channels_first(self.values.rows(start, stop), self.layout)
        found = scaled(native(block), self.scale)
        return np.ascontiguousarray(found) if found.dtype == np.uint8 else None

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        for block in read_blocks(self.values, start, stop):
            for image in channels_first(block, self.layout):
                yield np.ascontiguousarray(scaled(native(image), self.scale))


def read_blocks(values: Values, start: int = 0, stop: int | None = None) -> Iterator[np.ndarray]:
    """The rows from `start` up to `stop` in blocks of bounded size."""
    stop = values.shape[0] if stop is None else stop
    bytes_of_one = int(np.prod(values.shape[1:], dtype=np.int64)) * values.dtype.itemsize
    step = max(1, _BLOCK_BYTES // max(1, bytes_of_one))
    return (values.rows(at, min(at + step, stop)) for at in range(start, stop, step))


def channels_first(block: np.ndarray, layout: Layout) -> np.ndarray:
    """Images (N, ...) in `layout` as (N, C, H, W)."""
    if layout == "NHW":
        return block[:, None]
    return block.transpose(0, 3, 1, 2) if layout == "NHWC" else block


def layout_of(shape: tuple[int, ...], asked: Layout, channels: Channels, place: str) -> Layout:
    """Where the channels of images of `shape` are.

    Of two axes that could be the channels, it is the one whose length is `channels`, then the one of 1, 3 or 4, then
    the one beside two equal axes. Raises InputError where that leaves it open, or `asked` does not fit.
    """
    if asked != "auto":
        if len(shape) != len(asked):
            raise InputError(
                f"data.layout: {asked} does not fit the shape {shape} of {place}; it has {len(shape)} axes"
            )
        return asked
    if len(shape) == 3:
        return "NHW"
    if len(shape) != 4:
        raise InputError(
            f"{place}: an array of shape {shape} is not a set of images; save it as (N, H, W), (N, H, W, C) or "
            "(N, C, H, W)"
        )
    first, last = shape[1], shape[3]
    for told in (
        (first == channels, last == channels),
        (first in _USUAL_CHANNELS, last in _USUAL_CHANNELS),
        (shape[2] == last, shape[2] == first),
    ):
        if told[0] != told[1]:
            return "NCHW" if told[0] else "NHWC"
    remedy = "data.layout to NCHW or NHWC" if first == last else "data.channels to their number"
    raise InputError(f"{place}: the shape {shape} does not tell which axis is the channels; set {remedy}")


@dataclass(frozen=True)
class Part:
    """The images of one split before their layout and scale are known. place: as in `ArrayPictures`."""

    values: Values
    place: str
    labels: np.ndarray | None = None


def picture_parts(
    parts: Mapping[str, Part], layout: Layout, form: Form
) -> tuple[dict[str, ArrayPictures], Form, tuple[Change, ...]]:
    """Each split's pictures, the form for their numbers, and what is done to all of them.

    Raises InputError where a split has no images, where an array is no set of images, and where the splits have
    different channels.
    """
    made: dict[str, ArrayPictures] = {}
    said: list[Change] = []
    layouts: dict[str, Layout] = {
        name: layout_of(part.values.shape, layout, form.channels, part.place or "data") for name, part in parts.items()
    }
    channels = {name: _channels(parts[name].values.shape, found) for name, found in layouts.items()}
    if len(set(channels.values())) > 1 and form.channels == "auto":
        counts = " and ".join(f"{count} of the {name} images" for name, count in channels.items())
        raise InputError(f"data: the channels differ, {counts}; give all the same, or set data.channels")
    for dtype in dict.fromkeys(part.values.dtype for part in parts.values()):
        alike = {name: part for name, part in parts.items() if part.values.dtype == dtype}
        # of all splits together: test images may be darker by chance
        blocks = (native(block) for part in alike.values() for block in read_blocks(part.values))
        scale = scale_of(dtype, blocks, form)
        form = form_of_scale(form, scale)
        for name, part in alike.items():
            if not np.prod(part.values.shape):
                raise InputError(
                    f"{part.place or 'data'}: an array of shape {part.values.shape} holds no pixels; name another"
                )
            made[name] = ArrayPictures(
                part.values, layout=layouts[name], scale=scale, place=part.place, labels=part.labels
            )
        change = said_of_scale(scale, sum(len(made[name]) for name in alike))
        said += [change] if change else []
    return {name: made[name] for name in parts}, form, tuple(said)


def _channels(shape: tuple[int, ...], layout: Layout) -> int:
    return 1 if layout == "NHW" else shape[3] if layout == "NHWC" else shape[1]
