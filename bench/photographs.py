"""JPEG files of about 500x375 pixels, drawn by code: what decoding is measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT, QUALITY = 500, 375, 90
_DRAWN = 50  # different pictures; each file is one of them, moved, so that none equals another


def photographs(folder: Path, count: int) -> list[Path]:
    """`count` files in `folder`, which are drawn if they are missing: blurred blobs with grain, about 55 kB each."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:06d}.jpg" for index in range(count)]
    draw = np.random.default_rng(0)
    scenes = [_scene(draw) for _ in range(_DRAWN)]
    for index, path in enumerate(paths):
        if not path.exists():
            across, down = divmod(index // _DRAWN, HEIGHT)
            image = np.roll(scenes[index % _DRAWN], (down, across), axis=(0, 1))
            Image.fromarray(image).save(path, "JPEG", quality=QUALITY)
    return paths


def _scene(draw: np.random.Generator) -> np.ndarray:
    coarse = Image.fromarray(draw.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    blobs = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), dtype=np.int64)
    return (blobs + draw.integers(-12, 13, blobs.shape)).clip(0, 255).astype(np.uint8)
