"""The share of the images' variance that a reconstruction explains."""

from __future__ import annotations

import math


def explained_variance(mse: float, mean_mse: float) -> float:
    """1 - mse / mean_mse: 1 for exact copies, 0 for the mean training image, negative for worse.

    mse: the mean squared error of reconstructions; mean_mse: that of the mean training image, on the same images and
    scale. As in scikit-learn's R^2, images that all equal their mean give 1 if they are reconstructed, else 0.
    nan if either is.
    """
    if math.isnan(mse) or math.isnan(mean_mse):
        return math.nan
    if mean_mse == 0:
        return 1.0 if mse == 0 else 0.0
    return 1 - mse / mean_mse
