"""A sheet of queries and the pictures nearest to them: a row for each query, with names and distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from isthmus.core.wording import printable

_SIDE = 96  # pixels that small pictures are enlarged to, by a whole factor
_LARGEST = 192  # larger pictures are reduced to this
_GAP, _LINE = 8, 13
_GREY = 110


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
    across, down = wide + _GAP, high + lines * _LINE + _GAP
    columns = max(map(len, rows))
    sheet = Image.new("RGB", (columns * across + 2 * _GAP, len(rows) * down + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            left, top = _GAP + column * across + (_GAP if column else 0), _GAP + row * down
            if cell.pixels is None:
                draw.rectangle((left, top, left + wide - 1, top + high - 1), outline=(_GREY,) * 3)
                draw.text((left + 4, top + 4), "not here", fill=(_GREY,) * 3, font=font)
            else:
                sheet.paste(_picture(cell.pixels), (left, top))
            for number, line in enumerate(cell.lines):
                at = (left, top + high + 1 + number * _LINE)
                draw.text(at, _short(line, wide, font), fill="black" if number == 0 else (_GREY,) * 3, font=font)
    return sheet


def file_name(name: str) -> str:
    """What fits below a picture: the file's name without its folders, and its row."""
    return PurePath(printable(name)).name or printable(name)


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


def _short(text: str, wide: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, or its beginning and its end, which tell rows of a file apart."""
    if font.getlength(text) <= wide:
        return text
    for kept in range(len(text) - 1, 1, -1):
        tail = kept * 2 // 3
        shorter = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
        if font.getlength(shorter) <= wide:
            return shorter
    return text[:1]
