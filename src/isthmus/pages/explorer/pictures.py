"""Which held-out images a page shows, and how it carries them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.core.pixels import Pixels
from isthmus.core.streams import sealed
from isthmus.pages.shown_pixels import in_8_bits

SHOWN, POINTS = 100, 1000
# Limits for large images: values of the images stored exactly, and pixels of all images on the sheet.
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
    tiles = 1 if channels == 3 else channels
    points = int(np.clip(_POINT_PIXELS // (tiles * height * width), shown, POINTS))
    drawn = np.random.default_rng(sealed("page")).permutation(count)
    begun = [index for index in first if index < count]
    order = np.array([*begun, *drawn[~np.isin(drawn, begun)]], dtype=np.int64)
    return Chosen(order[:shown], order[:points])


def arrays(images: Pixels, chosen: Chosen) -> dict[str, np.ndarray]:
    """images: the test set (N, C, H, W) uint8 or uint16 -> tensors of the `images` blob, in 8 bits."""
    tiles, columns = _sheet(in_8_bits(images[chosen.points]), len(chosen.shown))
    return {
        "shown": in_8_bits(images[chosen.shown]),
        "sheet": np.frombuffer(tiles, np.uint8),
        "sheet_columns": np.array([columns], np.int32),
    }


def _sheet(images: NDArray[np.uint8], shown: int) -> tuple[bytes, int]:
    """One WebP sheet of all images in rows, and its number of columns; images that the page stores exactly are black.

    An RGB image is one tile. Any other is one grey tile a channel, since WebP keeps colours at half the resolution.
    """
    count, channels, height, width = images.shape
    colours, tiles = (3, count) if channels == 3 else (1, count * channels)
    most_rows = max(1, _WEBP_SIDE // height)
    columns = max(1, min(_MOST_COLUMNS, _WEBP_SIDE // width), -(-tiles // most_rows))
    rows = -(-tiles // columns)
    held = np.zeros((rows * columns, colours, height, width), np.uint8)
    begin = shown * (tiles // count)
    held[begin:tiles] = images[shown:].reshape(-1, colours, height, width)
    grid = held.reshape(rows, columns, colours, height, width).transpose(0, 3, 1, 4, 2)
    pixels = grid.reshape(rows * height, columns * width, colours)
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels if colours == 3 else pixels[:, :, 0])
    picture.save(buffer, format="WEBP", quality=_WEBP_QUALITY, method=6)
    return buffer.getvalue(), columns
