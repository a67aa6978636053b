"""Decodes JPEG files with Pillow alone: draft, convert, fit; one process of as many as the benchmark starts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


def main() -> None:
    """Arguments: folder, size, first file, step between files, number of files."""
    folder, size, first, step, count = Path(sys.argv[1]), *map(int, sys.argv[2:])
    for index in range(first, count, step):
        with Image.open(folder / f"{index:06d}.jpg") as image:
            image.draft(None, (2 * size, 2 * size))  # as isthmus, so that the later scaling still antialiases
            fitted = ImageOps.fit(image.convert("RGB"), (size, size), method=Image.Resampling.LANCZOS)
        np.asarray(fitted)


if __name__ == "__main__":
    main()
