"""Tiles of a sheet: pictures side by side with lines of text below, several tiles in a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from isthmus.core.wording import printable

INK, GREY = (30, 30, 30), (110, 110, 110)
GAP, LINE = 8, 15  # pixels between tiles; height of a line of text

Colour = tuple[int, int, int]


def tile(parts: Sequence[Image.Image], lines: Sequence[tuple[str, Colour]]) -> Image.Image:
    """Pictures of one size with a pixel between them, and below them each text in its colour."""
    wide, high = parts[0].size
    made = Image.new("RGB", (len(parts) * (wide + 1) - 1, high + LINE * len(lines)), "white")
    for place, part in enumerate(parts):
        made.paste(part, (place * (wide + 1), 0))
    draw = ImageDraw.Draw(made)
    for number, (text, colour) in enumerate(lines):
        draw.text((0, high + 1 + number * LINE), fitting(text, made.width), colour, font())
    return made


def sheet_of(tiles: Sequence[Image.Image], columns: int, legend: Sequence[str]) -> Image.Image:
    """Tiles of one size in rows of at most `columns`, and the lines of a legend below."""
    wide, high = max(one.width for one in tiles), max(one.height for one in tiles)
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    least = max(math.ceil(font().getlength(line)) for line in legend) + 2 * GAP
    width = max(least, columns * (wide + 2 * GAP) + GAP)
    sheet = Image.new("RGB", (width, rows * (high + GAP) + 2 * GAP + LINE * len(legend)), "white")
    for place, one in enumerate(tiles):
        sheet.paste(one, (GAP + place % columns * (wide + 2 * GAP), GAP + place // columns * (high + GAP)))
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(legend):
        draw.text((GAP, sheet.height - GAP - LINE * (len(legend) - number)), line, INK, font())
    return sheet


def scaled(picture: NDArray[np.uint8], side: int, most: int) -> Image.Image:
    """(1 or 3, H, W), enlarged to about `side` pixels by a whole factor without smoothing, or reduced to at most `most`
    by one."""
    image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(picture.transpose(1, 2, 0), (*picture.shape[1:], 3))))
    larger = max(image.size)
    if larger > most:
        return image.reduce(math.ceil(larger / most))
    factor = max(1, side // larger)
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def file_name(path: str) -> str:
    """What fits below a picture: the file's name without its folders, and its row."""
    return PurePath(printable(path)).name or printable(path)


def fitting(text: str, width: int) -> str:
    """`text`; where it is wider than `width` pixels, its beginning and more of its end, which tells rows apart."""
    letters = font()
    if letters.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        tail = kept * 2 // 3
        shorter = f"{text[: kept - tail]}…{text[len(text) - tail :]}"
        if letters.getlength(shorter) <= width:
            return shorter
    return text[:1]


def font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(11)
