"""Many pictures on one sheet."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from isthmus.core.outputs import MAKER, deliver


def contact_sheet(images: NDArray[np.uint8], *, gap: int = 1, width: int = 768) -> Image.Image:
    """images (N, 1 or 3, H, W) -> one nearly square picture, white gaps, enlarged by a whole factor.

    gap: pixels between images before enlarging. width: pixels; the sheet is enlarged as long as it is not wider.
    """
    count, channels, high, wide = images.shape
    columns = min(count, math.ceil(math.sqrt(count * high / wide)))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (high + gap) - gap, columns * (wide + gap) - gap, channels), 255, np.uint8)
    for place, image in enumerate(images):
        top, left = (place // columns) * (high + gap), (place % columns) * (wide + gap)
        sheet[top : top + high, left : left + wide] = image.transpose(1, 2, 0)
    picture = Image.fromarray(sheet if channels == 3 else sheet[:, :, 0])
    scale = max(1, width // picture.width)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Write a PNG to `path`; create its folder if it is missing. Raises as `deliver` does."""
    png, about = io.BytesIO(), PngInfo()
    about.add_text("Software", MAKER)
    picture.save(png, format="PNG", pnginfo=about)
    deliver(path, png.getvalue())
