"""Peak signal-to-noise ratio, one value per image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isthmus.core.pixels import levels
from isthmus.evaluation.interfaces import Measure
from isthmus.evaluation.measures._pairs import check_pair, squared_error
from isthmus.models.widest import widest


class Psnr(Measure):
    """Peak signal-to-noise ratio: 10 log10(highest level^2 / squared error per pixel value, in levels).

    output, original (B, C, H, W) uint8 or uint16 -> (B,) float64

    The highest level is 255 of 8 bits and 65,535 of 16. An exact copy has no error and would score infinity, which
    would make every mean infinite. It scores as if one value were one level off, the smallest difference there is:
    83.0 dB for 8 bits at 3x32x32.
    """

    name, unit, decimals = "PSNR", "dB", 2
    higher_is_better = True
    about = "Peak signal-to-noise ratio of 8-bit images, mean over images."
    least, most = 0.0, math.inf
    undefined = None  # never

    def __call__(self, output: Tensor, original: Tensor) -> Tensor:
        """Score each image of `output` against its `original`.

        Raises: TypeError for pixels that are not uint8 or uint16, ValueError for shapes that do not match.
        """
        check_pair("psnr", output, original)
        squared = squared_error(output, original).clamp(min=1)
        values = math.prod(output.shape[1:])
        return 10 * torch.log10(levels(output.dtype) ** 2 * values / widest(squared))
