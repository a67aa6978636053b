"""Originals and reconstructions side by side on one sheet, with the name and the error of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from isthmus.pages.captioned_tiles import GAP, GREY, INK, file_name, scaled, sheet_of, tile
from isthmus.pages.shown_pixels import View

MOST = 36  # pairs: more would be too small to compare
_SIDE = 96  # pixels to which small pictures are enlarged, by a whole factor
_LARGEST = 192  # pixels to which large ones are reduced
_WIDTH = 1280  # pixels; as many pairs stand in a row as fit


def pair_sheet(
    view: View, originals: np.ndarray, outputs: np.ndarray, names: Sequence[str], errors: Sequence[float]
) -> Image.Image:
    """originals and outputs (N, C, H, W) uint8 or uint16 -> a sheet of N pairs, the original on the left.

    errors: the mean squared error of each, pixels in [0, 1].
    """
    tiles = [
        tile([scaled(part, _SIDE, _LARGEST) for part in pair], [(file_name(name), INK), (f"error {error:.3g}", GREY)])
        for *pair, name, error in zip(view.pictures(originals), view.pictures(outputs), names, errors, strict=True)
    ]
    columns = min(math.ceil(math.sqrt(len(tiles))), max(1, _WIDTH // (tiles[0].width + 2 * GAP)))
    return sheet_of(tiles, columns, ["Original, reconstruction. Error: mean squared error, pixels 0-1."])
