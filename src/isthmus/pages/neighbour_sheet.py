"""A sheet of queries and the pictures nearest to them: a row for each query, with names and distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from isthmus.pages.captioned_tiles import GAP, GREY, LINE, fitting, font

_SIDE = 96  # pixels that small pictures are enlarged to, by a whole factor
_LARGEST = 192  # larger pictures are reduced to this


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet. pixels: (1 or 3, H, W); None for a picture that is not here. lines: what stands below."""

    pixels: NDArray[np.uint8] | None
    lines: tuple[str, ...]


def neighbour_sheet(rows: Sequence[Sequence[Cell]]) -> Image.Image:
    """The first cell of each row is the query, which a gap sets apart from the others."""
    sizes = [_size(cell.pixels) for row in rows for cell in row if cell.pixels is not None] or [(_SIDE, _SIDE)]
    wide, high = (max(side) for side in zip(*sizes, strict=True))
    wide = max(wide, _SIDE)
    lines = max(len(cell.lines) for row in rows for cell in row)
    across, down = wide + GAP, high + lines * LINE + GAP
    columns = max(map(len, rows))
    sheet = Image.new("RGB", (columns * across + 2 * GAP, len(rows) * down + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            left, top = GAP + column * across + (GAP if column else 0), GAP + row * down
            if cell.pixels is None:
                draw.rectangle((left, top, left + wide - 1, top + high - 1), outline=GREY)
                draw.text((left + 4, top + 4), "not here", fill=GREY, font=font())
            else:
                sheet.paste(_picture(cell.pixels), (left, top))
            for number, line in enumerate(cell.lines):
                at = (left, top + high + 1 + number * LINE)
                draw.text(at, fitting(line, wide), fill="black" if number == 0 else GREY, font=font())
    return sheet


def _size(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Width and height on the sheet."""
    high, wide = pixels.shape[1:]
    longest = max(high, wide)
    if longest > _LARGEST:
        return max(1, wide * _LARGEST // longest), max(1, high * _LARGEST // longest)
    scale = max(1, _SIDE // longest)
    return wide * scale, high * scale


def _picture(pixels: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(pixels.transpose(1, 2, 0) if len(pixels) == 3 else pixels[0]).convert("RGB")
    size = _size(pixels)
    smaller = size[0] < image.width
    return image.resize(size, Image.Resampling.BOX if smaller else Image.Resampling.NEAREST)
