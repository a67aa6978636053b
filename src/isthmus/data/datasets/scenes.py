"""The built-in data set: one lit shape over a graded background, drawn by code from known factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.core.errors import InputError
from isthmus.core.values import Dataset, ImageSet
from isthmus.data.datasets._scene_drawing import check_memory, paint
from isthmus.data.datasets._scene_shapes import OUTLINES
from isthmus.data.form import Form
from isthmus.data.interfaces import DataSource, Picture, Pictures, PictureSet

SHAPES = tuple(OUTLINES)
FACTORS: tuple[str, ...] = ("shape", "hue", "x", "y", "size", "rotation", "background", "background_angle")
_SPLITS = {"train": 0, "test": 1}
_CHUNK = 256  # images: painting a few at a time is slower
_WORDS = 4  # of 64 bits that Philox makes at each count


class Scenes(DataSource):
    """Shapes over graded backgrounds, drawn without noise: the factors explain every pixel.

    train, test: number of images; size: side of the square images in pixels; seed: of the random factors.
    `load()` gives (N, 3, size, size) uint8, the shape as label, and these independent, uniform factors:

    shape             index into `class_names`
    hue               of the shape, in turns, [0, 1), at equal lightness (OKLCH)
    x, y              centre of the shape's enclosing circle, in sides of the image from left and top, [0.33, 0.67)
    size              radius of that circle, in sides of the image, [0.2, 0.33): the shape is always whole
    rotation          radians, counter-clockwise, from 0 to where the shape repeats: pi/2 for square and
                      cross, 2 pi/3 triangle, 2 pi/5 star, 2 pi heart and moon; always 0 for disc and ring
    background        hue of the background, in turns, [0, 1)
    background_angle  radians counter-clockwise from the right, [0, 2 pi): where the background darkens

    An image depends only on its split, its index and the seed, not on how many images there are: train and
    test are two streams of Philox (Salmon et al. 2011, doi:10.1145/2063384.2063405) under one seed.
    Raises InputError for a count below 1, a size below 8 or a seed outside [0, 2**64).
    """

    def __init__(self, *, train: int = 20000, test: int = 2000, size: int = 32, seed: int = 0) -> None:
        for name, value, low in (("train", train, 1), ("test", test, 1), ("size", size, 8)):
            if value < low:
                raise InputError(f"data.{name}: {value} is too small for scenes; give {low} or more")
        if not 0 <= seed < 2**64:
            raise InputError(f"data.seed: {seed} is not a seed for scenes; give a number from 0 to 2**64 - 1")
        self.train, self.test, self.size, self.seed = train, test, size, seed

    def load(self) -> Dataset:
        """Draw both splits. Raises RunError where there is not enough memory."""
        check_memory(self.train + self.test, self.size)
        train, test = self._split("train", self.train), self._split("test", self.test)
        return Dataset(train, test, self._source, SHAPES)

    def pictures(self) -> PictureSet:
        """The same images, each drawn when it is asked for: there may be more than memory holds."""
        counts = {"train": self.train, "test": self.test}
        return PictureSet(
            parts={name: _Drawn(self.seed, _SPLITS[name], count, self.size) for name, count in counts.items()},
            form=Form(channels=3, depth=8),
            source=self._source,
            class_names=SHAPES,
            identity={"train": self.train, "test": self.test, "size": self.size, "seed": self.seed},
        )

    @property
    def _source(self) -> str:
        return f"scenes, drawn by code, seed {self.seed}"

    def _split(self, name: str, count: int) -> ImageSet:
        factors = _sample(self.seed, _SPLITS[name], count)
        return ImageSet(draw(factors, self.size), factors["shape"].astype(np.int64), factors)


class _Drawn(Pictures):
    """The first `count` images of a stream."""

    portable = True

    def __init__(self, seed: int, stream: int, count: int, size: int) -> None:
        self.seed, self.stream, self.count, self.size = seed, stream, count, size
        self.factors = _sample(seed, stream, count)
        self.labels = self.factors["shape"].astype(np.int64)

    def __getstate__(self) -> dict[str, object]:
        """Without the factors of all images, which other processes do not need to draw some."""
        return {**self.__dict__, "factors": None, "labels": None}

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"scene {index}"

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        yield from paint(_sample(self.seed, self.stream, stop - start, start), self.size)

    def chunks(self) -> Iterator[tuple[int, int]]:
        return ((start, min(start + _CHUNK, self.count)) for start in range(0, self.count, _CHUNK))


def draw(factors: Mapping[str, ArrayLike], size: int) -> NDArray[np.uint8]:
    """The images that `factors` describe: name -> (N,) or one number -> (N, 3, size, size).

    Names and units are those of `Scenes`; values may exceed its ranges (a shape may leave the image).
    The same factors give the same scene at every size. Raises InputError for a missing or unknown
    factor, lengths that differ, and a value that cannot be drawn.
    """
    if size < 8:
        raise InputError(f"size: {size} is too small for scenes; give 8 or more")
    return paint(_columns(factors), size)


def _columns(factors: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """Every factor, checked and of equal length: name -> (N,)."""
    for name in (*FACTORS, *factors):
        if name not in factors or name not in FACTORS:
            problem = "is missing" if name in FACTORS else "is unknown"
            raise InputError(f"factors.{name}: {problem}; scenes are drawn from {', '.join(FACTORS)}")
    given = {name: _numbers(name, factors[name]) for name in FACTORS}
    lengths = {len(column) for column in given.values() if column.ndim}
    if len(lengths) > 1:
        raise InputError(f"factors: lengths {sorted(lengths)} do not fit together; give N or one number each")
    return {name: np.broadcast_to(column, max(lengths, default=1)) for name, column in given.items()}


def _numbers(name: str, value: ArrayLike) -> NDArray[np.float64]:
    try:
        column = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"factors.{name}: {value!r} is not a number; give (N,) numbers or one") from None
    if column.ndim > 1:
        raise InputError(f"factors.{name}: shape {column.shape} has too many axes; give (N,) or one number")
    # beyond these, float32 squares overflow or whole pixels are rounded away
    drawable, wanted = np.abs(column) <= 1000, "a number from -1000 to 1000"
    if name == "shape":
        drawable, wanted = np.isin(column, np.arange(len(SHAPES))), f"one of 0 to {len(SHAPES) - 1}"
    elif name == "size":
        drawable, wanted = (column >= 0.001) & (column <= 1000), "a number from 0.001 to 1000"
    if not drawable.all():
        raise InputError(f"factors.{name}: {column[~drawable].flat[0]:g} cannot be drawn; give {wanted}")
    return column


def _sample(seed: int, stream: int, count: int, start: int = 0) -> dict[str, NDArray[np.float64]]:
    """Factors of `count` images of a stream from image `start`, name -> (count,)."""
    # One row of 8 words per image, so row i is the same however many rows follow. Raw words, because numpy
    # guarantees them to be the same in every version, but not its distributions (NEP 19).
    begun = start * len(FACTORS) // _WORDS
    words = np.random.Philox(key=seed + (stream << 64), counter=begun).random_raw((count, len(FACTORS)))
    draws = dict(zip(FACTORS, ((words >> np.uint64(11)) * 2.0**-53).T, strict=True))
    shape = np.floor(draws["shape"] * len(SHAPES))
    period = np.array([outline.period for outline in OUTLINES.values()])[shape.astype(np.int64)]
    return {
        "shape": shape,
        "hue": draws["hue"],
        "x": 0.33 + 0.34 * draws["x"],
        "y": 0.33 + 0.34 * draws["y"],
        "size": 0.2 + 0.13 * draws["size"],
        "rotation": period * draws["rotation"],
        "background": draws["background"],
        "background_angle": 2 * np.pi * draws["background_angle"],
    }
