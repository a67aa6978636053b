"""How much noise a picture holds, estimated from the picture alone."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import convolve1d

from isthmus.core.pixels import levels

# Daubechies' wavelet of four numbers, its high-pass filter: (1 - sqrt 3, sqrt 3 - 3, 3 + sqrt 3, -1 - sqrt 3) / sqrt 32
_HIGH_PASS = np.array([1 - 3**0.5, 3**0.5 - 3, 3 + 3**0.5, -1 - 3**0.5]) / 32**0.5
_NORMAL_MEDIAN = 0.6744897501960817  # of the absolute values of a standard normal distribution
_LEAST_SIDE = 8  # pixels; with fewer there is next to nothing to take a median of


def noise_std(picture: np.ndarray) -> float | None:
    """The standard deviation of a picture's Gaussian noise on the scale in which black to white is 2, [-1, 1].

    picture: (C, H, W), uint8 or uint16. None where a side is shorter than 8 pixels.
    The median of the absolute diagonal details of the finest wavelet scale over 0.6745, mean over channels (Donoho and
    Johnstone, Biometrika 81, 1994, section 4.2). Pictures have few details of that kind, and noise has all. So fine
    texture counts as noise, and noise that a camera or JPEG has smoothed is underestimated. Details that are exactly
    zero are left out: they come from plain or clipped places, which hold no noise to measure.
    """
    if min(picture.shape[1:]) < _LEAST_SIDE:
        return None
    found = [_of_channel(channel) for channel in picture]
    return float(np.mean(found)) * 2 / levels(picture.dtype)


def _of_channel(channel: np.ndarray) -> float:
    rows = convolve1d(channel.astype(np.float32), _HIGH_PASS, axis=0)[1::2]
    details = np.abs(convolve1d(rows, _HIGH_PASS, axis=1)[:, 1::2])
    details = details[details > 0]
    return float(np.median(details)) / _NORMAL_MEDIAN if details.size else 0.0
