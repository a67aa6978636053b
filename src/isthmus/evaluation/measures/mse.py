"""Mean squared error, one value per image."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isthmus.evaluation.interfaces import Measure
from isthmus.evaluation.measures._pairs import check_pair
from isthmus.models.widest import widest


class Mse(Measure):
    """Mean squared error per pixel value, pixels in [0, 1].

    output, original (B, 3, H, W) uint8 -> (B,) float64
    """

    name, unit, decimals = "MSE", "pixels 0–1", 5
    higher_is_better = False
    about = "Mean squared error per pixel value, pixels in [0, 1]."
    least, most = 0.0, 1.0
    undefined = None  # never

    def __call__(self, output: Tensor, original: Tensor) -> Tensor:
        """Score each image of `output` against its `original`.

        Raises: TypeError for pixels that are not uint8, ValueError for shapes that do not match.
        """
        check_pair("mse", output, original)
        # Integers until the division: the sum is exact, and 3 - 5 does not wrap round to 254.
        squared = (output.int() - original.int()).square().sum(dim=(1, 2, 3), dtype=torch.int64)
        return widest(squared) / (255**2 * math.prod(output.shape[1:]))
