"""Structural similarity, one value per image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isthmus.core.pixels import levels
from isthmus.evaluation.interfaces import Measure
from isthmus.evaluation.measures._pairs import check_pair
from isthmus.models.structural_similarity import WINDOW, similarity
from isthmus.models.widest import widest, widest_dtype

_VALUES = 256 * 3 * 64 * 64  # compared at a time, 25 MB a map


class Ssim(Measure):
    """Structural similarity in a Gaussian window of 11 pixels, sigma 1.5, 1 for equal images.

    output, original (B, C, H, W) uint8 or uint16 -> (B,) float64

    Computed per channel at positions where the whole window lies inside the image, then averaged.
    Images under 11 pixels high or wide have no such position: their SSIM is NaN.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, doi:10.1109/TIP.2003.819861, eq. 13.
    """

    name, unit, decimals = "SSIM", "1 = same", 3
    higher_is_better = True
    about = "Structural similarity, 1 for equal images."
    least, most = -1.0, 1.0
    undefined = f"images are smaller than the window of {WINDOW} pixels"

    def __call__(self, output: Tensor, original: Tensor) -> Tensor:
        """Score each image of `output` against its `original`.

        Raises: TypeError for pixels that are not uint8 or uint16, ValueError for shapes that do not match.
        """
        check_pair("ssim", output, original)
        if min(output.shape[2:]) < WINDOW:
            return torch.full((len(output),), torch.nan, dtype=widest_dtype(output.device), device=output.device)
        highest = levels(output.dtype)
        # a few at a time: five float64 maps of 10,000 images would take gigabytes
        at_once = max(1, min(256, _VALUES // math.prod(output.shape[1:])))
        pairs = zip(output.split(at_once), original.split(at_once), strict=True)
        return torch.cat([similarity(widest(x) / highest, widest(y) / highest)[0] for x, y in pairs])
