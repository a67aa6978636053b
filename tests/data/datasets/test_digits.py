"""The digits that scikit-learn brings: here without a network, grey, and scaled as it is said."""

import numpy as np
from sklearn.datasets import load_digits

from isthmus.data.datasets.digits import Digits
from isthmus.data.splits import split


def test_digits_are_spread_over_8_bits_and_this_is_said() -> None:
    data = Digits().load()
    source = load_digits()
    assert data.train.images.shape == (1797, 1, 8, 8) and data.train.images.dtype == np.uint8
    assert np.array_equal(data.train.images[:, 0], (source.images * 255 / 16).round())
    assert len(np.unique(data.train.images)) == 17
    assert data.train.labels is not None and np.array_equal(data.train.labels, source.target)
    assert data.class_names == tuple("0123456789")
    assert [change.sentence for change in data.handling] == [
        "Spread over 8 bits: 1,797 of 1,797 images, of 17 levels; 0 becomes black and 16 white."
    ]


def test_digits_can_be_split() -> None:
    splits = split(Digits().load())
    assert len(splits.test) == len(splits.validation) == 180
