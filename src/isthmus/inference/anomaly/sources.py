"""The pictures to calibrate on or to score: files and folders, arrays from Python, or a run's own test images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from isthmus.core.pixels import Pixels
from isthmus.data.batches import to_batch
from isthmus.inference.named_images import NamedBlock, NamedImages
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import blocks_of
from isthmus.models.pixels import as_arrays


class NamedPictures(Protocol):
    """Pictures in a model's form, block by block, each with a name."""

    def __len__(self) -> int: ...

    def blocks(self) -> Iterator[NamedBlock]: ...

    def notices(self) -> list[str]:
        """After reading: what was done to the pictures, and which were left out."""
        ...


class HeldPictures:
    """Pictures that are in the model's form already, named `prefix` and their place."""

    def __init__(self, model: Autoencoder, images: Pixels, prefix: str, labels: Sequence[str | None] = ()) -> None:
        self._model, self._images, self._prefix, self._labels = model, images, prefix, labels

    def __len__(self) -> int:
        return len(self._images)

    def blocks(self) -> Iterator[NamedBlock]:
        for rows in blocks_of(self._model, self._images):
            pixels = self._images[rows]
            names = tuple(f"{self._prefix}{place}" for place in range(rows.start, rows.stop))
            labels = tuple(self._labels[rows]) if self._labels else (None,) * len(names)
            yield NamedBlock(names, labels, np.ascontiguousarray(pixels), ())

    def notices(self) -> list[str]:
        return []


def pictures_from(source: Any, model: Autoencoder, *, skip_broken: bool, quiet: bool) -> NamedPictures:
    """source: a path, a pattern or a list of them, read as `NamedImages` reads them; or images in memory, as
    `Autoencoder.reconstruct` takes them, which are named by their place: `0`, `1`, ...

    Raises InputError where it holds no picture, or none that the model takes.
    """
    paths = [source] if isinstance(source, str | Path) else source
    if isinstance(paths, list | tuple) and paths and all(isinstance(one, str | Path) for one in paths):
        return NamedImages(paths, model.form, skip_broken=skip_broken, quiet=quiet)
    return HeldPictures(model, to_batch(as_arrays(source), model.form, model.image_shape), "")


def in_words(source: Any) -> str:
    """What a calibration says of where its pictures came from."""
    paths = [source] if isinstance(source, str | Path) else source
    if isinstance(paths, list | tuple) and all(isinstance(one, str | Path) for one in paths):
        return ", ".join(map(str, paths))
    return "images given in Python"
