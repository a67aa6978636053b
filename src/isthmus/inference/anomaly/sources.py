"""The pictures to calibrate on: named ones, or a run's own test images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from isthmus.core.pixels import Pixels
from isthmus.inference.named_images import NamedBlock
from isthmus.inference.picture_sources import Source
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import blocks_of


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


def in_words(sources: Sequence[Source]) -> str:
    """What a calibration says of where its pictures came from."""
    return ", ".join(str(one) if isinstance(one, str | Path) else "images given in Python" for one in sources)
