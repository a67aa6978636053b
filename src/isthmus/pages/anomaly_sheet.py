"""A sheet of the pictures with the largest errors: each beside its reconstruction and its error map."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from isthmus.core.wording import printable
from isthmus.inference.anomaly.local_errors import Place, error_maps
from isthmus.inference.anomaly.score import Highest, Scored
from isthmus.pages.captioned_tiles import INK, scaled, sheet_of, tile
from isthmus.pages.shown_pixels import View

_SIDE = 112  # pixels to which small pictures are enlarged, by a whole factor
_MOST = 224  # pixels to which large ones are reduced
_COLUMNS = 2
_ALARM, _BOX = (190, 20, 20), (0, 200, 255)


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
    return sheet_of(tiles, _COLUMNS, legend)


def _tile(scored: Scored, one: Highest, values: NDArray[np.float32], view: View) -> Image.Image:
    """values: the error map (H, W) between 0 and 1."""
    shown = (view.pictures(one.pixels), view.pictures(one.output), _hot(values))
    parts = [scaled(picture, _SIDE, _MOST) for picture in shown]
    factor = parts[0].width / one.pixels.shape[2]
    for part in (parts[0], parts[2]):
        _outline(part, one.place, factor)
    flagged = bool(scored.flag[one.index])
    said = f"error {scored.error[one.index]:.3g}   p {scored.p_value[one.index]:.3g}{'   flagged' if flagged else ''}"
    return tile(parts, [(_name(scored.path[one.index]), INK), (said, _ALARM if flagged else INK)])


def _map(one: Highest) -> NDArray[np.float32]:
    output, original = (torch.from_numpy(pixels[None]) for pixels in (one.output, one.pixels))
    return error_maps(output, original)[0].sqrt().numpy()


def _hot(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(H, W) in [0, 1] -> (3, H, W): black, red, yellow, white."""
    channels = np.clip(3 * values - np.arange(3)[:, None, None], 0, 1)
    return np.rint(255 * channels).astype(np.uint8)


def _outline(picture: Image.Image, place: Place, factor: float) -> None:
    left, top = round(place.left * factor), round(place.top * factor)
    reach = max(2, round(place.side * factor))
    corner = (min(left + reach, picture.width) - 1, min(top + reach, picture.height) - 1)
    ImageDraw.Draw(picture).rectangle(((left, top), corner), outline=_BOX)


def _name(path: str) -> str:
    """The end of a path: its folder and its file."""
    return printable(str(PurePath(*PurePath(path).parts[-2:])))
