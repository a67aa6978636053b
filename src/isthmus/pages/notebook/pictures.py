"""A table of small pictures for a notebook: one column per image, one row per way of showing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from isthmus.pages.report import text
from isthmus.pages.report.gallery import image_names
from isthmus.pages.report.pictures import png_uri, psnr
from isthmus.pages.report.read_folder import RunFolder
from isthmus.pages.shown_pixels import View
from isthmus.run_files.arrays import PixelArray

_MOST, _SIDE, _WIDTH = 8, 56, 640
_LARGEST = 320  # CSS pixels; larger pictures are reduced, so that a notebook stays small
_ROWS = {"output": "output", "noisy": "noisy input", "denoised": "output for it"}


@dataclass(frozen=True)
class Small:
    """One picture as a data URI in its final size; `score` is its PSNR in dB as text."""

    source: str
    alt: str
    width: int
    height: int
    score: str = ""


@dataclass(frozen=True)
class SmallRow:
    """The same images shown in one way."""

    name: str
    pictures: Sequence[Small]


@dataclass(frozen=True)
class SmallTable:
    """Rows under the names of the images; `reduced` says by how much large pictures were reduced."""

    columns: Sequence[str]
    rows: Sequence[SmallRow]
    reduced: str = ""


def of_run(run: RunFolder) -> SmallTable | None:
    """Held-out images, what the model and PCA make of them, and the noisy ones; None if the run has no pictures."""
    if "shown/original" not in run.pictures:
        return None
    yardstick = run.evaluation.yardstick.partition(" with ")[0]
    rows = [(name, run.pictures[f"shown/{kind}"]) for kind, name in _ROWS.items() if f"shown/{kind}" in run.pictures]
    if "shown/pca" in run.pictures:
        rows.insert(1, (yardstick, run.pictures["shown/pca"]))
    return _table(run, rows)


def of_study(runs: Sequence[tuple[str, RunFolder]]) -> SmallTable | None:
    """The same held-out images through several models, (name, run); models shown on other images are left out."""
    first = next((run for _, run in runs if "shown/original" in run.pictures), None)
    if first is None:
        return None
    originals = first.pictures["shown/original"]
    same = [
        (name, run.pictures["shown/output"])
        for name, run in runs
        if "shown/output" in run.pictures and np.array_equal(run.pictures["shown/original"], originals)
    ]
    return _table(first, same)


def _table(run: RunFolder, outputs: Sequence[tuple[str, PixelArray]]) -> SmallTable:
    originals = run.pictures["shown/original"]
    _, _, high, wide = originals.shape
    height, width = _shown_size(high, wide)
    count = min(len(originals), _MOST, max(1, _WIDTH // width))
    names = image_names(run.evaluation.shown[:count], run)
    plain = [small(run.view, one, f"{name}, original") for one, name in zip(originals, names, strict=False)]
    rows = [SmallRow("original", plain)]
    for made_by, images in outputs:
        pictures: list[Small] = []
        for original, image, name in zip(originals, images, names, strict=False):
            score = text.fixed(psnr(original, image), 1)
            pictures.append(small(run.view, image, f"{name}, {made_by}, PSNR {score} dB", score))
        rows.append(SmallRow(made_by, pictures))
    reduced = f"Pictures of {wide} x {high} pixels are shown at {width} x {height}."
    return SmallTable(names, rows, reduced if height < high or width < wide else "")


def _shown_size(high: int, wide: int, side: int = _SIDE) -> tuple[int, int]:
    """(height, width) in pixels: small images are enlarged by a whole factor, large ones reduced."""
    longest = max(high, wide)
    zoom = max(1, side // longest) if longest <= _LARGEST else _LARGEST / longest
    return max(1, round(high * zoom)), max(1, round(wide * zoom))


def small(view: View, image: PixelArray, alt: str, score: str = "", *, side: int = _SIDE) -> Small:
    """image (C, H, W), enlarged by a whole factor to at most `side` CSS pixels; large pictures are reduced."""
    picture, (_, high, wide) = view.pictures(image), image.shape
    height, width = _shown_size(high, wide, side)
    if max(high, wide) > _LARGEST:
        sized = _reduced(picture, width, height)
    else:
        sized = picture.repeat(height // high, axis=1).repeat(width // wide, axis=2)
    return Small(png_uri(sized), alt, width, height, score)


def _reduced(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """picture (1 or 3, H, W), each channel by Lanczos's filter."""
    size, lanczos = (width, height), Image.Resampling.LANCZOS
    return np.stack([np.asarray(Image.fromarray(channel).resize(size, lanczos)) for channel in picture])
