"""Structural similarity of images, for the measure and for the distortions.

Source: Wang, Bovik, Sheikh and Simoncelli 2004, doi:10.1109/TIP.2003.819861, equations 6 and 13.
"""

from __future__ import annotations

import torch
from torch import Tensor

_RADIUS = 5
_SIGMA = 1.5
WINDOW = 2 * _RADIUS + 1


def similarity(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """x, y (B, C, H, W) in [0, 1], at least WINDOW high and wide -> SSIM (B,), and its factor without luminance (B,).

    In a Gaussian window of 11 pixels, sigma 1.5, per channel over the positions where the whole window lies inside
    the image, then averaged.
    """
    rows = _window_means(x.shape[2]).to(x)
    columns = _window_means(x.shape[3]).to(x).T
    mean_x, mean_y = rows @ x @ columns, rows @ y @ columns
    variance_x = rows @ (x * x) @ columns - mean_x**2
    variance_y = rows @ (y * y) @ columns - mean_y**2
    covariance = rows @ (x * y) @ columns - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variance_x + variance_y + 0.03**2)
    return (luminance * structure).mean(dim=(1, 2, 3)), structure.mean(dim=(1, 2, 3))


def _window_means(size: int) -> Tensor:
    """The Gaussian mean along one axis, as a banded matrix (size - 10, size).

    A matrix product is 3 times as fast as shifted sums and 12 times as fast as `conv2d` on a CPU in float64,
    at 32 pixels; 1.5 and 8 times at 128.
    """
    offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    weights = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    return torch.eye(size, dtype=torch.float64).unfold(0, WINDOW, 1) @ (weights / weights.sum())
