"""Handwritten digits that scikit-learn brings along."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.core.image_changes import Change
from isthmus.core.values import Dataset, ImageSet
from isthmus.core.wording import counted
from isthmus.data.interfaces import DataSource

_WHITEST = 16  # each value is the number of black pixels in 4x4 of the scan


class Digits(DataSource):
    """1,797 handwritten digits, grey, 8x8, which need no download. Test images are drawn from them.

    Their 17 levels, 0 to 16, are spread over 8 bits: v becomes v * 255 / 16, rounded.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, doi:10.24432/C50P49 (CC BY 4.0);
    the copy is scikit-learn's.
    """

    def load(self) -> Dataset:
        """All images in memory, (1797, 1, 8, 8) uint8, and their labels."""
        from sklearn.datasets import load_digits  # here: it takes a second, and listing data sets should not

        found: Any = load_digits()
        images = np.rint(np.asarray(found.images, dtype=np.float64) * 255 / _WHITEST).astype(np.uint8)[:, None]
        spread = Change(
            what="levels_spread",
            images=len(images),
            of=len(images),
            sentence=f"Spread over 8 bits: {len(images):,} of {counted(len(images), 'image')}, of 17 levels; 0 becomes "
            "black and 16 white.",
            numbers={"black": 0, "white": _WHITEST},
        )
        return Dataset(
            train=ImageSet(images, np.asarray(found.target, dtype=np.int64)),
            test=None,
            source="digits of scikit-learn",
            class_names=tuple("0123456789"),
            handling=(spread,),
        )
