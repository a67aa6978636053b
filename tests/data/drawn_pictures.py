"""Small pictures in files, as a part of a data set, for tests of decoding and of stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from isthmus.data.form import Form
from isthmus.data.interfaces import Picture, Pictures, PictureSet


class Files(Pictures):
    """PNG files, which other processes may read too."""

    portable = True

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.labels = np.arange(len(paths)) % 3

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        return self.paths[index].name

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        yield from self.paths[start:stop]


def drawn(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 6, 8), dtype=np.uint8)


def picture_set(folder: Path, count: int = 20, *, size: tuple[int, int] | None = None, **more: bool) -> PictureSet:
    """`count` training pictures and 5 test pictures of 8x6 pixels, saved as PNG."""
    folder.mkdir(exist_ok=True)
    parts: dict[str, Pictures] = {}
    for split, pixels in (("train", drawn(count)), ("test", drawn(5, seed=1))):
        paths = [folder / f"{split}-{index:04d}.png" for index in range(len(pixels))]
        for path, image in zip(paths, pixels, strict=True):
            Image.fromarray(image.transpose(1, 2, 0)).save(path)
        parts[split] = Files(paths)
    files = tuple(path for part in parts.values() for path in part.paths)  # type: ignore[attr-defined]
    return PictureSet(parts, Form(size=size), "drawn pictures", ("a", "b", "c"), files=files, **more)
