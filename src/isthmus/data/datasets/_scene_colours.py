"""Colours for scenes: hues of equal lightness in OKLCH, and linear light to 8-bit sRGB.

Source: B. Ottosson, "A perceptual color space for image processing", https://bottosson.github.io/posts/oklab/.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_HUES = np.linspace(0, 1, 1025)


def colour(lightness: float, chroma: float, hue: Floats) -> Floats:
    """Linear-light sRGB in [0, 1], (N, 3), of `hue` (N,) in turns at an OKLCH lightness in [0, 1].

    Where sRGB does not have `chroma` at this lightness and hue, the colour has the largest chroma there is, so that
    lightness and hue are exact.
    """
    hue = hue % 1
    # 0.97: between table entries, interpolation could exceed the largest chroma
    return _linear(lightness, np.minimum(chroma, 0.97 * np.interp(hue, _HUES, _most_chroma(lightness))), hue)


def encode(linear: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Linear light in [0, 1], any shape -> 8-bit sRGB (IEC 61966-2-1)."""
    return _srgb_table()[(linear * 65535 + 0.5).astype(np.uint16)]


def _linear(lightness: float, chroma: Floats, hue: Floats) -> Floats:
    """OKLCH to linear-light sRGB, (N,) -> (N, 3), outside [0, 1] where sRGB has no such colour."""
    angle = 2 * np.pi * hue
    lab = np.stack([np.full_like(angle, lightness), chroma * np.cos(angle), chroma * np.sin(angle)], axis=-1)
    return _apply(_LMS_TO_RGB, _apply(_LAB_TO_LMS, lab) ** 3)


def _apply(matrix: Floats, vectors: Floats) -> Floats:
    """(3, 3) times each of (N, 3)."""
    # not `@`: a matrix product's last bits may depend on N, and an image must not depend on its block
    return sum((vectors[:, i : i + 1] * matrix[:, i] for i in range(3)), np.zeros(3))


@cache
def _most_chroma(lightness: float) -> Floats:
    """The largest chroma that sRGB has at each of `_HUES`, by bisection."""
    low, high = np.zeros_like(_HUES), np.full_like(_HUES, 0.4)
    for _ in range(20):
        middle = (low + high) / 2
        rgb = _linear(lightness, middle, _HUES)
        inside = ((rgb >= 0) & (rgb <= 1)).all(axis=-1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low


@cache
def _srgb_table() -> NDArray[np.uint8]:
    """A table, because a power for each pixel costs more than everything else in drawing."""
    linear = np.arange(1 << 16) / 65535
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * curved).astype(np.uint8)
