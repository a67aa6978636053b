"""Made-up anomalies: normal pictures changed so that a part, or the whole, no longer fits.

They need no label, and no claim is made that real anomalies look like them: they only compare measures of error.
"""

from __future__ import annotations

import numpy as np

from isthmus.core.streams import sealed

KINDS = ("spotted", "pasted", "shuffled", "turned")
# share of the picture that another picture's part covers: as in CutPaste, and smaller, as a scratch is
_AREAS = {"spotted": (0.0025, 0.02), "pasted": (0.02, 0.15)}
_QUARTERS = np.array([[1, 2, 3, 0], [1, 3, 0, 2], [2, 0, 3, 1], [2, 3, 0, 1], [3, 0, 1, 2], [3, 2, 1, 0]])  # none stays


def made_up(images: np.ndarray, kind: str) -> np.ndarray:
    """images (N, C, H, W), N at least 2 -> the same pictures changed; the same images give the same result.

    pasted: a rectangle of another picture, from a place of its own (Li et al., arXiv:2104.04015). spotted: likewise a
    small one. shuffled: the four quarters exchanged. turned: by a quarter or half a turn (Golan and El-Yaniv,
    arXiv:1805.10917); pictures that are not square by half a turn.
    """
    draws = np.random.default_rng(sealed("made-up anomalies"))
    if kind in _AREAS:
        return _pasted(images, draws, _AREAS[kind])
    return (_shuffled if kind == "shuffled" else _turned)(images, draws)


def _pasted(images: np.ndarray, draws: np.random.Generator, areas: tuple[float, float]) -> np.ndarray:
    changed, (count, _, height, width) = images.copy(), images.shape
    for row in range(count):
        other = (row + draws.integers(1, count)) % count
        area, shape = draws.uniform(*areas) * height * width, np.exp(draws.uniform(-1.0, 1.0))
        high = int(np.clip(round(float(np.sqrt(area * shape))), 1, height))
        wide = int(np.clip(round(float(np.sqrt(area / shape))), 1, width))
        top, from_top = draws.integers(0, height - high + 1, 2)
        left, from_left = draws.integers(0, width - wide + 1, 2)
        part = images[other, :, from_top : from_top + high, from_left : from_left + wide]
        changed[row, :, top : top + high, left : left + wide] = part
    return changed


def _shuffled(images: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    changed, (count, _, height, width) = images.copy(), images.shape
    high, wide = height // 2, width // 2
    # with an odd side, the last row or column stays: quarters of different sizes could not be exchanged
    corners = [(top, left) for top in (0, high) for left in (0, wide)]
    for row, order in enumerate(_QUARTERS[draws.integers(0, len(_QUARTERS), count)]):
        for (top, left), source in zip(corners, order, strict=True):
            up, across = corners[source]
            changed[row, :, top : top + high, left : left + wide] = images[
                row, :, up : up + high, across : across + wide
            ]
    return changed


def _turned(images: np.ndarray, draws: np.random.Generator) -> np.ndarray:
    square = images.shape[2] == images.shape[3]
    turns = draws.integers(1, 4, len(images)) if square else np.full(len(images), 2)
    return np.stack([np.rot90(image, turn, (1, 2)) for image, turn in zip(images, turns, strict=True)])
