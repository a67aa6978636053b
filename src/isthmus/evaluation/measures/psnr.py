"""Peak signal-to-noise ratio, one value per image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isthmus.evaluation.interfaces import Measure
from isthmus.evaluation.measures._pairs import check_pair
from isthmus.models.widest import widest


class Psnr(Measure):
    """Peak signal-to-noise ratio of 8-bit images: 10 log10(255^2 / squared error per pixel value).

    output, original (B, 3, H, W) uint8 -> (B,) float64

    An exact copy has no error and would score infinity, which would make every mean infinite. It scores as if
    one value were one grey level off, the smallest difference of 8-bit images: 83.0 dB at 32x32.
    """

    name, unit, decimals = "PSNR", "dB", 2
    higher_is_better = True
    about = "Peak signal-to-noise ratio of 8-bit images, mean over images."
    least, most = 0.0, math.inf
    undefined = None  # never

    def __call__(self, output: Tensor, original: Tensor) -> Tensor:
        """Score each image of `output` against its `original`.

        Raises: TypeError for pixels that are not uint8, ValueError for shapes that do not match.
        """
        check_pair("psnr", output, original)
        squared = (output.int() - original.int()).square().sum(dim=(1, 2, 3), dtype=torch.int64)
        values = math.prod(output.shape[1:])
        return 10 * torch.log10(255**2 * values / widest(squared.clamp(min=1)))
