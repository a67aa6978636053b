"""Which held-out images a page shows, and how it carries them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

SHOWN, POINTS = 100, 1000
_COLUMNS = 40
_WEBP_QUALITY = 60  # half of what the sheet weighs at 85; the thumbnails are for hovering
_WEBP_LARGEST = 16383  # pixels a side


@dataclass(frozen=True)
class Chosen:
    """Test images of a page by their index in the test set: `shown` come first among `points`."""

    shown: np.ndarray
    points: np.ndarray


def choose(count: int, first: tuple[int, ...] = ()) -> Chosen:
    """Draw images from a test set of `count`, `first` (those of the report) before all others."""
    drawn = np.random.default_rng(0).permutation(count)
    begun = [index for index in first if index < count]
    order = np.array([*begun, *drawn[~np.isin(drawn, begun)]], dtype=np.int64)
    return Chosen(order[:SHOWN], order[:POINTS])


def arrays(images: np.ndarray, chosen: Chosen) -> dict[str, np.ndarray]:
    """images: the test set (N, 3, H, W) uint8 -> tensors of the `images` blob."""
    columns = max(1, min(_COLUMNS, _WEBP_LARGEST // images.shape[3]))
    return {
        "shown": images[chosen.shown],
        "sheet": np.frombuffer(_sheet(images[chosen.points], len(chosen.shown), columns), np.uint8),
        "sheet_columns": np.array([columns], np.int32),
    }


def _sheet(images: np.ndarray, shown: int, columns: int) -> bytes:
    """One WebP of all images in rows; those the page has to the bit are left black."""
    count, _, height, width = images.shape
    rows = max(1, min(-(-count // columns), _WEBP_LARGEST // height))
    held = np.zeros((rows * columns, 3, height, width), np.uint8)
    usable = min(count, len(held))
    held[shown:usable] = images[shown:usable]
    grid = held.reshape(rows, columns, 3, height, width).transpose(0, 3, 1, 4, 2)
    buffer = io.BytesIO()
    picture = Image.fromarray(grid.reshape(rows * height, columns * width, 3))
    picture.save(buffer, format="WEBP", quality=_WEBP_QUALITY, method=6)
    return buffer.getvalue()
