"""The built-in data set: one lit shape over a graded background, drawn by code from known factors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.values import Dataset, ImageSet
from isthmus.data.datasets._scene_drawing import check_memory, paint
from isthmus.data.datasets._scene_factors import SHAPES, draw, sample
from isthmus.data.form import Form
from isthmus.data.interfaces import DataSource, Picture, Pictures, PictureSet

_SPLITS = {"train": 0, "test": 1}
_CHUNK = 256  # images at once: painting a few at a time is slower
_CHUNK_BYTES = 1 << 25


class Scenes(DataSource):
    """Shapes over graded backgrounds, drawn without noise: the factors explain every pixel.

    Options:
        train: how many training images.
        test: how many test images.
        size: side of the square images, pixels.
        seed: of the random factors.

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
        check_memory(self.train + self.test, self.size, held=self.train + self.test)
        train, test = self._split("train", self.train), self._split("test", self.test)
        return Dataset(train, test, self._source, SHAPES)

    def pictures(self) -> PictureSet:
        """The same images, each drawn when it is asked for: there may be more than memory holds.

        Raises RunError where not even some of them fit.
        """
        check_memory(self.train + self.test, self.size, held=_chunk(self.size))
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
        factors = sample(self.seed, _SPLITS[name], count)
        return ImageSet(draw(factors, self.size), factors["shape"].astype(np.int64), factors)


class _Drawn(Pictures):
    """The first `count` images of a stream."""

    portable = True

    def __init__(self, seed: int, stream: int, count: int, size: int) -> None:
        self.seed, self.stream, self.count, self.size = seed, stream, count, size
        self.factors = sample(seed, stream, count)
        self.labels = self.factors["shape"].astype(np.int64)

    def __getstate__(self) -> dict[str, object]:
        """Without the factors of all images, which other processes do not need to draw some."""
        return {**self.__dict__, "factors": None, "labels": None}

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"scene {index}"

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        yield from paint(sample(self.seed, self.stream, stop - start, start), self.size)

    def chunks(self) -> Iterator[tuple[int, int]]:
        step = _chunk(self.size)
        return ((start, min(start + step, self.count)) for start in range(0, self.count, step))


def _chunk(size: int) -> int:
    """How many images of `size` x `size` pixels are drawn at once."""
    return max(1, min(_CHUNK, _CHUNK_BYTES // (3 * size**2)))
