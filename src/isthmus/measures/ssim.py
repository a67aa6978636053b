"""Structural similarity, one value an image."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.measures._pairs import check_pair

_RADIUS = 5
_SIGMA = 1.5
_WINDOW = 2 * _RADIUS + 1


class Ssim:
    """Structural similarity in a Gaussian window of 11 pixels, sigma 1.5, 1 for equal images.

    output, original (B, 3, H, W) uint8 -> (B,) float64

    Taken per channel over the positions where the whole window lies inside the image, then averaged.
    Images under 11 pixels high or wide have no such position: their SSIM is NaN.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, doi:10.1109/TIP.2003.819861, eq. 13.
    """

    unit = ""
    higher_is_better = True

    def __call__(self, output: Tensor, original: Tensor) -> Tensor:
        """Score each image of `output` against its `original`.

        Raises: TypeError for pixels that are not uint8, ValueError for shapes that do not match.
        """
        check_pair("ssim", output, original)
        if min(output.shape[2:]) < _WINDOW:
            return torch.full((len(output),), torch.nan, dtype=torch.float64, device=output.device)
        # 256 images at a time: five float64 maps of 10,000 images would take gigabytes.
        pairs = zip(output.split(256), original.split(256), strict=True)
        return torch.cat([_similarity(x.double() / 255, y.double() / 255) for x, y in pairs])


def _similarity(x: Tensor, y: Tensor) -> Tensor:
    """x, y (B, 3, H, W) float64 in [0, 1] -> (B,)"""
    rows = _window_means(x.shape[2]).to(x.device)
    columns = _window_means(x.shape[3]).to(x.device).T
    mean_x, mean_y = rows @ x @ columns, rows @ y @ columns
    variance_x = rows @ (x * x) @ columns - mean_x**2
    variance_y = rows @ (y * y) @ columns - mean_y**2
    covariance = rows @ (x * y) @ columns - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variance_x + variance_y + 0.03**2)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _window_means(size: int) -> Tensor:
    """The Gaussian mean along one axis, as a banded matrix (size - 10, size).

    A matrix product is 3 times as fast as shifted sums and 12 times as fast as `conv2d` on a CPU in float64,
    at 32 pixels; 1.5 and 8 times at 128.
    """
    offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    weights = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    return torch.eye(size, dtype=torch.float64).unfold(0, _WINDOW, 1) @ (weights / weights.sum())
