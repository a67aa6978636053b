"""The pictures that are searched: their names and labels in memory, their latents on disk where there are many."""

from __future__ import annotations

import math
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isthmus.core.atomic_files import about
from isthmus.data.form import Form
from isthmus.inference.encode import latents_of
from isthmus.inference.find_again import pixels_of
from isthmus.inference.latents_table import LatentsTable
from isthmus.inference.named_images import NamedBlock, NamedImages
from isthmus.inference.picture_sources import Label
from isthmus.inference.search_key import drawn_rows
from isthmus.models.autoencoder import Autoencoder

_IN_MEMORY = 1 << 28  # bytes of latents; more are kept in a temporary file
_SAMPLE, _SAMPLE_BYTES = 10_000, 1 << 28  # pictures whose pixels are kept to judge the search, at most
_READ_AGAIN = 2_000  # where each picture must be found and read again
_AT_ONCE = 1 << 24  # bytes that are read from it


@dataclass(frozen=True)
class Sample:
    """Some searched pictures. labels: M. z: (M, D). pixels: (M, C, H, W); None where not all are here."""

    labels: list[Label]
    z: np.ndarray
    pixels: np.ndarray | None


class Gallery(ABC):
    """Pictures and their latents.

    names, labels, sha256: of each picture, in the source's order; see `NamedBlock`. notices: sentences for the user.
    """

    names: list[str]
    labels: list[Label]
    sha256: list[str]
    notices: list[str]

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def latents(self) -> Iterator[np.ndarray]:
        """(B, D) float32, all pictures in order; can be asked for again."""

    @abstractmethod
    def pixels(self, names: Collection[str]) -> dict[str, np.ndarray]:
        """name -> (C, H, W) of the pictures that can be read again."""

    @abstractmethod
    def sample(self) -> Sample:
        """Pictures on which a search is judged: all of them, or as many drawn at random as memory may hold."""

    def latents_at(self, rows: np.ndarray) -> np.ndarray:
        """(M, D) of the pictures at `rows` (M,), ascending."""
        found: list[np.ndarray] = []
        begun = 0
        for block in self.latents():
            first, last = np.searchsorted(rows, (begun, begun + len(block)))
            found.append(block[rows[first:last] - begun])
            begun += len(block)
        return np.concatenate(found)


class FileGallery(Gallery):
    """Pictures whose latents are in a file. form: of the model, to read the pictures again."""

    def __init__(self, file: LatentsTable, form: Form) -> None:
        self.file, self.form = file, form
        self.names, self.labels, self.sha256 = file.rows()
        self.notices = []

    def latents(self) -> Iterator[np.ndarray]:
        return self.file.latents()

    def pixels(self, names: Collection[str]) -> dict[str, np.ndarray]:
        return pixels_of(names, self.form, folder=self.file.folder)

    def sample(self) -> Sample:
        rows = drawn_rows(len(self), _READ_AGAIN)
        names = [self.names[row] for row in rows]
        labels = [self.labels[row] for row in rows]
        known = any(label is not None for label in labels)  # else nothing is judged
        found = self.pixels(set(names)) if known else {}
        pixels = np.stack([found[name] for name in names]) if known and len(found) == len(set(names)) else None
        return Sample(labels, self.latents_at(rows), pixels)


class _Encoded(Gallery):
    def __init__(self, images: NamedImages, latents: Callable[[], Iterator[np.ndarray]], rows: np.ndarray) -> None:
        self.images, self._latents, self._rows = images, latents, rows
        self.names, self.labels, self.sha256, self.notices = [], [], [], []
        self._kept = list[np.ndarray]()

    def add(self, block: NamedBlock) -> None:
        first, last = np.searchsorted(self._rows, (len(self), len(self) + len(block)))
        self._kept.append(block.pixels[self._rows[first:last] - len(self)])
        self.names += block.names
        self.labels += block.labels
        self.sha256 += block.sha256

    def latents(self) -> Iterator[np.ndarray]:
        return self._latents()

    def pixels(self, names: Collection[str]) -> dict[str, np.ndarray]:
        return self.images.pixels_at(names)

    def sample(self) -> Sample:
        rows = self._rows[self._rows < len(self)]  # there are fewer than were found where some were left out
        return Sample([self.labels[row] for row in rows], self.latents_at(rows), np.concatenate(self._kept))


@contextmanager
def encoded_gallery(model: Autoencoder, images: NamedImages) -> Generator[Gallery]:
    """Pictures that are encoded now; their latents are gone after the block. Raises as `latents_of`."""
    width = model.latent_size
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spool:

        def latents() -> Iterator[np.ndarray]:
            spool.seek(0)
            rows = max(1, _AT_ONCE // (4 * width))
            while content := spool.read(4 * width * rows):
                yield np.frombuffer(content, np.float32).reshape(-1, width)

        most = min(_SAMPLE, _SAMPLE_BYTES // (math.prod(model.image_shape) * model.depth // 8))
        rows = drawn_rows(len(images), most) if images.has_labels else np.empty(0, np.int64)
        gallery = _Encoded(images, latents, rows)
        with latents_of(model, images) as blocks, about(Path(tempfile.gettempdir())):
            for block, z in blocks:
                spool.write(z.tobytes())
                gallery.add(block)
        gallery.notices = images.notices()
        yield gallery
