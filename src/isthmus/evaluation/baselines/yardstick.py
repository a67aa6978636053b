"""The linear autoencoder that a model is held against: PCA with as many numbers, of images or of their squares."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from isthmus.core.pixels import Pixels
from isthmus.evaluation.baselines import pca
from isthmus.evaluation.baselines.pca import PrincipalComponents
from isthmus.evaluation.baselines.squares import fit_squares
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.square_path import SquarePath
from isthmus.run_files.evaluation import PcaPoint

_MOST = 1 << 27  # numbers of all directions: half a gigabyte, and twice that while they are fitted


class Yardstick(Protocol):
    """A fitted linear autoencoder of `size` numbers an image."""

    @property
    def size(self) -> int: ...

    @property
    def square(self) -> int:
        """Side of the squares that have numbers of their own, pixels; 0 where the numbers are of the whole image."""
        ...

    @property
    def components(self) -> PrincipalComponents:
        """Of whole images, or of squares."""
        ...

    def encode(self, images: Pixels) -> np.ndarray:
        """images (N, C, H, W) -> z (N, size) float32."""
        ...

    def decode(self, z: np.ndarray, image_shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        """z (N, size) -> (N, *image_shape) of uint8 or uint16, clamped and rounded as the evaluator requires."""
        ...

    def sizes(self) -> list[int]:
        """Numbers an image for which `curve` can be asked."""
        ...

    def curve(self, images: Pixels, sizes: Iterable[int]) -> tuple[PcaPoint, ...]:
        """The error with other numbers an image: one point for each of `sizes`, ascending, on rounded output."""
        ...


@dataclass(frozen=True)
class WholeImages:
    """PCA of whole images; `size` is smaller than asked for if the training images vary in fewer directions."""

    components: PrincipalComponents
    size: int
    square: int = 0

    def encode(self, images: Pixels) -> np.ndarray:
        return self.components.encode(images, self.size)

    def decode(self, z: np.ndarray, image_shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        return self.components.decode(z, image_shape, dtype)

    def sizes(self) -> list[int]:
        usual = {*(2**power for power in range(14)), 10, self.size}
        return sorted(size for size in usual if 0 < size <= len(self.components.directions))

    def curve(self, images: Pixels, sizes: Iterable[int]) -> tuple[PcaPoint, ...]:
        return pca.curve(self.components, images, sizes)


def yardstick_of(model: Autoencoder, images: Pixels, key: str, cache: Path) -> Yardstick:
    """Fitted to the training images (N, C, H, W), whose hash is `key`. cache: a folder for fitted components.

    Where a model starts at PCA, its yardstick is that PCA. Squares are also the yardstick of other models whose latent
    is a map, if it is too large for directions of whole images: those of 4,096 numbers and 128x128 pixels have 800 MB.
    """
    if model.linear is None:
        large = model.latent_size * math.prod(model.image_shape) > _MOST
        squares = large and not model.bottleneck.codes and model.numbers_of_square > 0
    else:
        squares = isinstance(model.linear, SquarePath)
    if squares:
        return fit_squares(images, model.architecture.square, model.numbers_of_square)
    components = pca.fit_for(model.yardstick_size, images, key, cache)
    return WholeImages(components, min(model.yardstick_size, len(components.directions)))
