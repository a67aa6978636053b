"""The arithmetic of the benches of anomaly scores."""

from __future__ import annotations

import numpy as np
import pytest
from bench.false_alarms import CALIBRATION, LEVELS, expected, shares
from bench.one_class import mean_and_half, of_class, table

from isthmus.core.values import ImageSet
from isthmus.data.splits import Splits


@pytest.mark.parametrize("level", LEVELS)
def test_the_expected_share_is_the_promised_one_and_wider_than_a_binomial(level: float) -> None:
    low, high = expected(level, CALIBRATION, 300, 50)
    assert low < level < high
    assert high - low > 2 * 1.96 * np.sqrt(level * (1 - level) / (300 * 50))


def test_errors_that_are_exchangeable_keep_the_promise_and_others_do_not() -> None:
    errors = np.random.default_rng(0).random(500)
    low, high = expected(0.1, CALIBRATION, 301, 40)
    assert low <= shares(errors, 0.1, np.random.default_rng(1), 40).mean() <= high


def test_the_interval_over_classes_is_students() -> None:
    mean, half = mean_and_half([0.5, 0.6, 0.7])
    assert mean == pytest.approx(0.6) and half == pytest.approx(4.3027 * 0.1 / np.sqrt(3), rel=1e-4)


def test_a_table_has_the_difference_to_a_method_class_by_class() -> None:
    rows = table({"mse": [0.5, 0.6], "latent": [0.7, 0.8]}, ["cat", "dog"], "mse").splitlines()
    assert rows[0].count("|") == rows[1].count("|") == rows[3].count("|")
    assert "| +0.200 ± 0.000 |" in rows[3]


def test_only_training_and_validation_are_of_the_normal_class() -> None:
    def images(seed: int) -> ImageSet:
        pixels = np.random.default_rng(seed).integers(0, 256, (12, 1, 4, 4), dtype=np.uint8)
        return ImageSet(pixels, np.arange(12) % 3)

    whole = Splits(images(0), images(1), images(2), "drawn", ("a", "b", "c"), (), "sha256:whole")
    kept = of_class(whole, 1)
    assert kept.train.labels is not None and kept.validation.labels is not None
    assert set(kept.train.labels) == set(kept.validation.labels) == {1} and len(kept.test) == 12
    assert kept.hash != whole.hash
