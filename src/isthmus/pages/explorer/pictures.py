"""Which held-out images a page shows, and how it carries them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from isthmus.core.streams import sealed

SHOWN, POINTS = 100, 1000
# Limits for large images: values of the images stored exactly, and pixels of all images.
_FEWEST, _SHOWN_VALUES, _POINT_PIXELS = 12, 2_000_000, 4_000_000
_MOST_COLUMNS, _WEBP_SIDE = 40, 16383
_WEBP_QUALITY = 40  # half the file size of quality 85; the sheet is for hovering, and the page marks pictures from it


@dataclass(frozen=True)
class Chosen:
    """Test images of a page, as indices into the test set: `points` begins with `shown`."""

    shown: np.ndarray
    points: np.ndarray


def choose(count: int, image_shape: tuple[int, int, int], first: tuple[int, ...] = ()) -> Chosen:
    """Draw images from a test set of `count` images; `first` (those of the report) come first."""
    channels, height, width = image_shape
    shown = int(np.clip(_SHOWN_VALUES // (channels * height * width), _FEWEST, SHOWN))
    points = int(np.clip(_POINT_PIXELS // (height * width), shown, POINTS))
    drawn = np.random.default_rng(sealed("page")).permutation(count)
    begun = [index for index in first if index < count]
    order = np.array([*begun, *drawn[~np.isin(drawn, begun)]], dtype=np.int64)
    return Chosen(order[:shown], order[:points])


def arrays(images: np.ndarray, chosen: Chosen) -> dict[str, np.ndarray]:
    """images: the test set (N, 3, H, W) uint8 -> tensors of the `images` blob."""
    columns = max(1, min(_MOST_COLUMNS, _WEBP_SIDE // images.shape[3]))
    return {
        "shown": images[chosen.shown],
        "sheet": np.frombuffer(_sheet(images[chosen.points], len(chosen.shown), columns), np.uint8),
        "sheet_columns": np.array([columns], np.int32),
    }


def _sheet(images: np.ndarray, shown: int, columns: int) -> bytes:
    """One WebP sheet of all images in rows; images that the page stores exactly are left black."""
    count, _, height, width = images.shape
    rows = -(-count // columns)
    held = np.zeros((rows * columns, 3, height, width), np.uint8)
    held[shown:count] = images[shown:]
    grid = held.reshape(rows, columns, 3, height, width).transpose(0, 3, 1, 4, 2)
    buffer = io.BytesIO()
    picture = Image.fromarray(grid.reshape(rows * height, columns * width, 3))
    picture.save(buffer, format="WEBP", quality=_WEBP_QUALITY, method=6)
    return buffer.getvalue()
