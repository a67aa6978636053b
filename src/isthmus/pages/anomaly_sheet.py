"""A sheet of the pictures with the largest errors: each beside its reconstruction and its error map."""

from __future__ import annotations

import math
from pathlib import PurePath

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from isthmus.core.wording import printable, shortened
from isthmus.inference.anomaly.local_errors import Place, error_maps
from isthmus.inference.anomaly.score import Highest, Scored
from isthmus.pages.shown_pixels import View

_SIDE = 112  # pixels to which small pictures are enlarged, by a whole factor
_MOST = 224  # pixels to which large ones are reduced
_GAP, _LINE, _COLUMNS = 8, 15, 2
_INK, _ALARM, _BOX = (30, 30, 30), (190, 20, 20), (0, 200, 255)


def anomaly_sheet(scored: Scored, view: View) -> Image.Image:
    """The highest errors of `scored`, two in a row: picture, reconstruction, error map; name, error and p-value below.

    All error maps have one scale: black is no error, white the largest on the sheet. A box is where it is largest.
    """
    maps = [_map(one) for one in scored.highest]
    white = max(float(values.max()) for values in maps) or 1.0
    tiles = [_tile(scored, one, values / white, view) for one, values in zip(scored.highest, maps, strict=True)]
    legend = [
        "Picture, reconstruction, error map. Box: the window with the largest error.",
        f"Error map: root of the mean squared error, black 0, white {white:.2g} (pixels 0-1).",
        scored.measured,
    ]
    wide, high = max(tile.width for tile in tiles), max(tile.height for tile in tiles)
    columns = min(_COLUMNS, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    least = max(round(_font().getlength(line)) for line in legend) + 2 * _GAP
    width = max(least, columns * (wide + 2 * _GAP) + _GAP)
    sheet = Image.new("RGB", (width, rows * (high + _GAP) + 2 * _GAP + _LINE * len(legend)), "white")
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (_GAP + place % columns * (wide + 2 * _GAP), _GAP + place // columns * (high + _GAP)))
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(legend):
        draw.text((_GAP, sheet.height - _GAP - _LINE * (len(legend) - number)), line, _INK, _font())
    return sheet


def _tile(scored: Scored, one: Highest, values: NDArray[np.float32], view: View) -> Image.Image:
    """values: the error map (H, W) between 0 and 1."""
    shown = [_colours(view.pictures(pixels)) for pixels in (one.pixels, one.output)]
    parts = [_scaled(picture) for picture in (*shown, _hot(values))]
    factor = parts[0].width / one.pixels.shape[2]
    for part in (parts[0], parts[2]):
        _outline(part, one.place, factor)
    wide, high = parts[0].size
    tile = Image.new("RGB", (3 * wide + 2, high + 2 * _LINE), "white")
    for place, part in enumerate(parts):
        tile.paste(part, (place * (wide + 1), 0))
    flagged = bool(scored.flag[one.index])
    said = f"error {scored.error[one.index]:.3g}   p {scored.p_value[one.index]:.3g}{'   flagged' if flagged else ''}"
    draw = ImageDraw.Draw(tile)
    draw.text((0, high + 1), _fitting(_name(scored.path[one.index]), tile.width), _INK, _font())
    draw.text((0, high + _LINE), _fitting(said, tile.width), _ALARM if flagged else _INK, _font())
    return tile


def _map(one: Highest) -> NDArray[np.float32]:
    output, original = (torch.from_numpy(pixels[None]) for pixels in (one.output, one.pixels))
    return error_maps(output, original)[0].sqrt().numpy()


def _hot(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W) in [0, 1] -> (H, W, 3): black, red, yellow, white."""
    channels = np.clip(3 * values[..., None] - np.arange(3), 0, 1)
    return np.rint(255 * channels).astype(np.uint8)


def _colours(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(1 or 3, H, W) -> (H, W, 3)"""
    return np.broadcast_to(picture.transpose(1, 2, 0), (*picture.shape[1:], 3))


def _scaled(pixels: NDArray[np.uint8]) -> Image.Image:
    """Enlarged by a whole factor without smoothing, or reduced by one."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    larger = max(picture.size)
    if larger > _MOST:
        return picture.reduce(math.ceil(larger / _MOST))
    factor = max(1, _SIDE // larger)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _outline(picture: Image.Image, place: Place, factor: float) -> None:
    left, top = round(place.left * factor), round(place.top * factor)
    reach = max(2, round(place.side * factor))
    corner = (min(left + reach, picture.width) - 1, min(top + reach, picture.height) - 1)
    ImageDraw.Draw(picture).rectangle(((left, top), corner), outline=_BOX)


def _name(path: str) -> str:
    """The end of a path: its folder and its file."""
    return printable(str(PurePath(*PurePath(path).parts[-2:])))


def _fitting(text: str, width: int) -> str:
    """`text`, without its middle where it is wider than `width` pixels."""
    longest = len(text)
    while longest > 2 and _font().getlength(shortened(text, longest)) > width:
        longest -= 1
    return shortened(text, longest)


def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(11)
