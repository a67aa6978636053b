"""A few of many images, evenly spread over the set."""

from __future__ import annotations

import numpy as np


def evenly(count: int, most: int) -> np.ndarray:
    """Rows (n,) of at most `most` out of `count` images, ascending, from the first to the last."""
    return np.linspace(0, count - 1, min(count, most)).astype(int)
