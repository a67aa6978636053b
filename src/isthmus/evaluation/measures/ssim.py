"""Structural similarity, one value per image."""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.evaluation.interfaces import Measure
from isthmus.evaluation.measures._pairs import check_pair
from isthmus.models.structural_similarity import WINDOW, similarity
from isthmus.models.widest import widest, widest_dtype


class Ssim(Measure):
    """Structural similarity in a Gaussian window of 11 pixels, sigma 1.5, 1 for equal images.

    output, original (B, 3, H, W) uint8 -> (B,) float64

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

        Raises: TypeError for pixels that are not uint8, ValueError for shapes that do not match.
        """
        check_pair("ssim", output, original)
        if min(output.shape[2:]) < WINDOW:
            return torch.full((len(output),), torch.nan, dtype=widest_dtype(output.device), device=output.device)
        # 256 images at a time: five float64 maps of 10,000 images would take gigabytes.
        pairs = zip(output.split(256), original.split(256), strict=True)
        return torch.cat([similarity(widest(x) / 255, widest(y) / 255)[0] for x, y in pairs])
