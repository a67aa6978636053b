"""Looks at some pictures of a data set, to say what the whole is like before all of it is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from statistics import median

from isthmus.core.errors import InputError
from isthmus.data.images import read_picture
from isthmus.data.interfaces import DataSource, PictureSet

_LOOKED_AT = 48  # pictures: a second or two, and enough to see that their sizes differ


@dataclass(frozen=True)
class Look:
    """What some pictures of a data set are like.

    images: how many it has for training. height, width: the size that all have which were looked at, or the median of
    each, pixels. same_size: whether all have it. channels: the most of any picture. unreadable: sentences about
    pictures that could not be read.
    """

    images: int
    height: int
    width: int
    same_size: bool
    channels: int
    unreadable: tuple[str, ...] = ()


def look_at(source: DataSource) -> Look:
    """Look at pictures spread evenly over the training images. Raises InputError where none can be read."""
    found = source.pictures()
    if found is None:
        shape = source.load().train.images.shape
        return Look(shape[0], shape[2], shape[3], True, shape[1])
    return _look_at_pictures(found)


def _look_at_pictures(found: PictureSet) -> Look:
    pictures, form = found.parts["train"], replace(found.form, size=None)
    shapes: Counter[tuple[int, ...]] = Counter()
    unreadable: list[str] = []
    count = min(_LOOKED_AT, len(pictures))
    for place in sorted({number * len(pictures) // count for number in range(count)}):
        try:
            (picture,) = pictures.read(place, place + 1)
            pixels, _ = read_picture(picture, form, name=pictures.name(place))
            shapes[pixels.shape] += 1
        except InputError as error:
            unreadable.append(str(error))
    if not shapes:
        raise InputError(unreadable[0] if unreadable else f"{found.source}: holds no training images")
    heights, widths = ([shape[axis] for shape in shapes.elements()] for axis in (1, 2))
    sizes = {shape[1:] for shape in shapes}
    return Look(
        images=len(pictures),
        height=round(median(heights)),
        width=round(median(widths)),
        same_size=len(sizes) == 1,
        channels=max(shape[0] for shape in shapes),
        unreadable=tuple(unreadable),
    )
