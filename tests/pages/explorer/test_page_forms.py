"""What a page carries of images that are not 8-bit RGB: grey, many channels, oblong, 16 bits."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from isthmus.evaluation.baselines.pca import PrincipalComponents
from isthmus.evaluation.baselines.squares import fit_squares
from isthmus.evaluation.baselines.yardstick import WholeImages
from isthmus.inference.export.compare import answer
from isthmus.pages.explorer.pca_graphs import pca_graph
from isthmus.pages.explorer.pictures import arrays, choose

WEBP_SIDE = 16383


def smooth(count: int, channels: int, size: tuple[int, int]) -> np.ndarray:
    """Ramps, a different one in each channel, (count, channels, H, W) uint8."""
    high, wide = size
    across, down = np.arange(wide) * 200 / wide, np.arange(high)[:, None] * 50 / high
    shift = np.random.default_rng(0).uniform(0, 5, (count, channels, 1, 1))
    return np.rint(across * (np.arange(channels)[:, None, None] % 2) + down + shift).astype(np.uint8)


def sheet_of(held: dict[str, np.ndarray]) -> np.ndarray:
    """(H, W, 3) of the sheet."""
    return np.asarray(Image.open(io.BytesIO(held["sheet"].tobytes())).convert("RGB"))


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (2, (16, 24)), (12, (16, 24)), (3, (33, 47))])
def test_points_beyond_the_shown_are_on_the_sheet_with_all_their_channels(channels: int, size: tuple[int, int]) -> None:
    images, (high, wide) = smooth(150, channels, size), size
    chosen = choose(len(images), images.shape[1:])
    held = arrays(images, chosen)
    np.testing.assert_array_equal(held["shown"], images[chosen.shown])
    sheet, columns = sheet_of(held), int(held["sheet_columns"][0])
    tiles = 1 if channels == 3 else channels
    for place in (len(chosen.shown), len(chosen.points) - 1):
        for channel in range(channels):
            row, column = divmod(place if channels == 3 else place * tiles + channel, columns)
            tile = sheet[
                row * high : (row + 1) * high, column * wide : (column + 1) * wide, channel if channels == 3 else 0
            ]
            assert np.abs(tile.astype(int) - images[chosen.points[place], channel]).mean() < 12


def test_of_many_channels_a_page_holds_fewer_points() -> None:
    assert len(choose(5000, (12, 64, 64)).points) < len(choose(5000, (3, 64, 64)).points)


@pytest.mark.parametrize("shape", [(1, 2000, 3), (3, 1500, 2), (3, 3, 8000), (12, 700, 5)])
def test_a_sheet_of_very_oblong_images_stays_within_what_webp_can_hold(shape: tuple[int, int, int]) -> None:
    images = np.zeros((1200, *shape), np.uint8) if np.prod(shape) < 10_000 else np.zeros((60, *shape), np.uint8)
    chosen = choose(len(images), shape)
    sheet = sheet_of(arrays(images, chosen))
    assert max(sheet.shape) <= WEBP_SIDE
    assert sheet.shape[0] * sheet.shape[1] >= len(chosen.points) * shape[1] * shape[2]


def test_a_page_holds_deep_images_in_8_bits() -> None:
    images = np.array([0, 128, 129, 257, 65535, 65406], np.uint16).reshape(6, 1, 1, 1)
    chosen = choose(6, (1, 1, 1))
    shown = arrays(images, chosen)["shown"]
    assert shown.dtype == np.uint8
    found = dict(zip(chosen.shown.tolist(), shown.ravel().tolist(), strict=True))
    assert found == {0: 0, 1: 0, 2: 1, 3: 1, 4: 255, 5: 254}


@pytest.mark.parametrize(("most", "dtype"), [(255, np.uint8), (65535, np.uint16)])
def test_pca_of_a_page_takes_the_levels_of_its_images(most: int, dtype: type[np.generic]) -> None:
    rng = np.random.default_rng(0)
    shape = (2, 4, 6)
    directions = np.linalg.qr(rng.standard_normal((48, 5)))[0].T.astype(np.float32)
    components = PrincipalComponents(np.full(48, 0.5, np.float32), directions, np.ones(5, np.float32), complete=True)
    pixels = rng.integers(0, most + 1, (3, *shape)).astype(dtype)
    centred = pixels.reshape(3, -1) / most - components.mean
    expected = np.clip(components.mean + centred @ directions.T @ directions, 0, 1)
    found = answer(pca_graph(WholeImages(components, 5), shape, most), pixels.astype(np.float32))
    np.testing.assert_allclose(found.reshape(3, -1), expected, atol=0.02)


@pytest.mark.parametrize("sides", [(16, 24), (13, 18)])
def test_a_page_has_pca_of_squares_where_the_model_is_held_against_it(sides: tuple[int, int]) -> None:
    """Also where squares reach over the border of the image."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 3, *sides), dtype=np.uint8)
    yardstick = fit_squares(pixels, 4, 7)
    expected = yardstick.decode(yardstick.encode(pixels[:3]), (3, *sides), np.dtype(np.uint8))
    found = answer(pca_graph(yardstick, (3, *sides), 255), pixels[:3].astype(np.float32))
    np.testing.assert_allclose(found * 255, expected, atol=5)
    assert np.abs(found * 255 - expected).mean() < 1
