"""Pictures of any size in overlapping tiles: nothing is lost, no border shows, memory is that of one row."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from isthmus.inference.tiles import pieces, through_tiles


def drawn(shape: tuple[int, int, int], dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def same(tiles: np.ndarray) -> NDArray[np.float32]:
    return tiles.astype(np.float32)


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ((3, 64, 64), (64, 64)),
        ((3, 65, 200), (64, 64)),
        ((1, 1, 1), (8, 8)),
        ((3, 5, 90), (16, 24)),
        ((2, 33, 47), (1, 1)),
        ((4, 40, 41), (2, 3)),
        ((3, 100, 7), (10, 10)),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_the_function_leaves_alone_comes_back_unchanged(
    shape: tuple[int, int, int], sides: tuple[int, int], dtype: type
) -> None:
    picture = drawn(shape, dtype)
    made = through_tiles(picture, same, sides)
    assert made.dtype == picture.dtype
    assert np.array_equal(made, picture)


def test_no_seam_shows_where_neighbouring_tiles_disagree() -> None:
    """Each tile gets another brightness, 20 levels apart at most: from pixel to pixel it must change gradually."""
    draw = np.random.default_rng(1)

    def uneven(tiles: np.ndarray) -> NDArray[np.float32]:
        return (tiles + draw.uniform(-10, 10, (len(tiles), 1, 1, 1))).astype(np.float32)

    made = through_tiles(np.full((1, 300, 400), 30000, np.uint16), uneven, (64, 64)).astype(int)
    steps = [np.abs(np.diff(made, axis=axis)).max() for axis in (1, 2)]
    assert made.max() - made.min() > 10, "else the tiles would agree"
    assert max(steps) <= 20 / 16 + 2, "a quarter of 64 pixels shares the difference; each pixel is rounded"


def test_a_tile_counts_least_at_its_border() -> None:
    """A function that is wrong at the border of its tiles spoils a picture's middle far less than its own border."""

    def wrong_at_border(tiles: np.ndarray) -> NDArray[np.float32]:
        made = np.full(tiles.shape, 100, np.float32)
        made[:, :, 1:-1, 1:-1] = 0
        return made

    made = through_tiles(np.zeros((1, 200, 200), np.uint8), wrong_at_border, (32, 32))
    assert made[:, 1:-1, 1:-1].max() < 20
    assert (made[:, 0] > 50).all(), "there only one tile knows"


def test_one_row_of_tiles_is_in_memory_at_a_time() -> None:
    seen: list[int] = []

    def counted(tiles: np.ndarray) -> NDArray[np.float32]:
        seen.append(len(tiles))
        return tiles.astype(np.float32)

    shares: list[float] = []
    through_tiles(drawn((3, 500, 130)), counted, (32, 32), done=shares.append)
    assert max(seen) == pieces((32, 130), (32, 32)) == 6
    assert sum(seen) == pieces((500, 130), (32, 32))
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) == len(seen)


def test_outputs_beyond_black_and_white_are_clipped() -> None:
    def bright(tiles: np.ndarray) -> NDArray[np.float32]:
        return np.full(tiles.shape, 300, np.float32)

    assert (through_tiles(drawn((1, 20, 20)), bright, (8, 8)) == 255).all()
