"""Mean squared error, one value per image."""

from __future__ import annotations

import math

from torch import Tensor

from isthmus.core.pixels import levels
from isthmus.evaluation.interfaces import Measure
from isthmus.evaluation.measures._pairs import check_pair, squared_error
from isthmus.models.widest import widest


class Mse(Measure):
    """Mean squared error per pixel value, pixels in [0, 1].

    output, original (B, C, H, W) uint8 or uint16 -> (B,) float64
    """

    name, unit, decimals = "MSE", "pixels 0–1", 5
    higher_is_better = False
    about = "Mean squared error per pixel value, pixels in [0, 1]."
    least, most = 0.0, 1.0
    undefined = None  # never

    def __call__(self, output: Tensor, original: Tensor) -> Tensor:
        """Score each image of `output` against its `original`.

        Raises: TypeError for pixels that are not uint8 or uint16, ValueError for shapes that do not match.
        """
        check_pair("mse", output, original)
        squared = squared_error(output, original)  # exact until the division
        return widest(squared) / (levels(output.dtype) ** 2 * math.prod(output.shape[1:]))
