"""Sheets with captions: nothing is wider than its place, and the end of a name stays."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.pages.captioned_tiles import GAP, INK, LINE, file_name, fitting, font, scaled, sheet_of, tile
from isthmus.pages.pair_sheet import pair_sheet
from isthmus.pages.shown_pixels import view_of


@pytest.mark.parametrize("width", [40, 96, 193])
def test_a_long_name_fits_and_keeps_its_end(width: int) -> None:
    name = "a-very-long-name-of-a-scan-in-a-file-of-many.npy:1234"
    short = fitting(name, width)
    assert font().getlength(short) <= width
    assert short.endswith("34") and "…" in short
    assert fitting("a.png", width) == "a.png"


def test_a_name_has_no_folders_and_no_control_characters() -> None:
    assert file_name("a/b/c.npy:12") == "c.npy:12"
    assert file_name("a/evil\x1b[2J.png") == "evil\\x1b[2J.png"


@pytest.mark.parametrize(
    ("shape", "size"), [((1, 8, 8), (96, 96)), ((3, 5, 10), (90, 45)), ((3, 400, 400), (134, 134))]
)
def test_pictures_are_enlarged_or_reduced_by_whole_factors(shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    assert scaled(np.zeros(shape, np.uint8), 96, 192).size == size


def test_tiles_stand_in_rows_above_the_legend() -> None:
    part = scaled(np.zeros((3, 8, 8), np.uint8), 96, 192)
    tiles = [tile([part, part], [("name", INK)])] * 5
    assert tiles[0].size == (193, 96 + LINE)
    sheet = sheet_of(tiles, 2, ["one line", "another"])
    assert sheet.size == (2 * (193 + 2 * GAP) + GAP, 3 * (96 + LINE + GAP) + 2 * GAP + 2 * LINE)


@pytest.mark.parametrize("count", [1, 36])
@pytest.mark.parametrize("size", [(8, 8), (600, 20), (20, 600)])
def test_a_sheet_of_pairs_stays_in_width(count: int, size: tuple[int, int]) -> None:
    images = np.zeros((count, 1, *size), np.uint16)
    sheet = pair_sheet(view_of(1), images, images, [f"{number}.png" for number in range(count)], [0.01] * count)
    assert sheet.width <= 1280 + GAP
