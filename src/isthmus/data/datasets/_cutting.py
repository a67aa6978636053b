"""Cuts photographs into square crops: in rows and columns that overlap by a quarter, at several scales."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from isthmus.core.errors import InputError
from isthmus.core.handled_pictures import Handled
from isthmus.data.form import Form
from isthmus.data.images import read_picture

_OVERLAP = 4  # a crop shares at least this part of its side with the next


@dataclass(frozen=True)
class Cut:
    """How photographs are cut.

    size: of a crop, pixels a side. scales: at which each photograph is cut, relative to its size. largest_side: a
    longer side is first reduced to it. most: crops of a photograph, spread evenly over all that there are.
    """

    size: int
    scales: tuple[float, ...]
    largest_side: int
    most: int


@dataclass(frozen=True)
class Photograph:
    """What was cut out of one photograph: crops (N, C, size, size), N = 0 if it is smaller than a crop."""

    crops: np.ndarray
    handled: Handled


def cut_all(paths: Sequence[str], form: Form, cut: Cut) -> Iterator[Photograph | InputError]:
    """Each photograph's crops, in order, or the error where it cannot be read. form: with a size of None."""

    def one(path: str) -> Photograph | InputError:
        try:
            pixels, handled = read_picture(Path(path), form, name=path)
        except InputError as error:
            return error
        return Photograph(_crops(pixels, cut), handled)

    # threads, because Pillow decodes and scales without holding Python's lock; a few, because each holds a photograph
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        yield from pool.map(one, paths)


def _crops(pixels: np.ndarray, cut: Cut) -> np.ndarray:
    """(C, H, W) -> (N, C, size, size)."""
    channels, height, width = pixels.shape
    first = min(1.0, cut.largest_side / max(height, width))
    places: list[tuple[int, int, int]] = []
    scaled: list[np.ndarray] = []
    for scale in cut.scales:
        sides = [round(first * scale * side) for side in (height, width)]
        if min(sides) < cut.size:
            continue
        tops, lefts = (_starts(side, cut.size) for side in sides)
        places += [(len(scaled), top, left) for top in tops for left in lefts]
        scaled.append(_scaled(pixels, sides))
    # not the first ones: these are all of the photograph's upper part
    chosen = np.unique(np.linspace(0, len(places) - 1, min(cut.most, len(places))).round().astype(int))
    made = np.empty((len(chosen), channels, cut.size, cut.size), pixels.dtype)
    for row, place in enumerate(chosen):
        level, top, left = places[place]
        made[row] = scaled[level][:, top : top + cut.size, left : left + cut.size]
    return made


def _starts(length: int, size: int) -> list[int]:
    """Where crops begin along a side: evenly, from end to end."""
    count = 1 + -(-(length - size) // (size - size // _OVERLAP))
    return [0] if count == 1 else [round(place * (length - size) / (count - 1)) for place in range(count)]


def _scaled(pixels: np.ndarray, sides: Sequence[int]) -> np.ndarray:
    """(C, H, W) of these sides."""
    if list(pixels.shape[1:]) == list(sides):
        return pixels
    size = (sides[1], sides[0])
    return np.stack([np.asarray(Image.fromarray(band).resize(size, Image.Resampling.LANCZOS)) for band in pixels])
