"""Originals and reconstructions side by side on one sheet."""

from __future__ import annotations

import numpy as np
from PIL import Image

from isthmus.pages.contact_sheet import contact_sheet
from isthmus.pages.shown_pixels import View

MOST = 36  # pairs: more would be too small to compare
_APART, _WITHIN = 4, 1  # pixels between pairs and within one, before the sheet is enlarged


def pair_sheet(view: View, originals: np.ndarray, outputs: np.ndarray) -> Image.Image:
    """originals and outputs (N, C, H, W) uint8 or uint16 -> a sheet of N pairs, the original on the left."""
    left, right = view.pictures(originals), view.pictures(outputs)
    between = np.full((*left.shape[:3], _WITHIN), 255, np.uint8)
    return contact_sheet(np.concatenate([left, between, right], axis=3), gap=_APART)
