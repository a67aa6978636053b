"""AUROC and average precision, and how often their intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from isthmus.evaluation.statistics.detection import auroc, auroc_difference, average_precision


def drawn(seed: int, normal: int, anomalies: int, apart: float) -> tuple[np.ndarray, np.ndarray]:
    errors = np.random.default_rng(seed).standard_normal(normal + anomalies)
    anomalous = np.arange(normal + anomalies) >= normal
    return errors + apart * anomalous, anomalous


def test_means_are_those_of_scikit_learn() -> None:
    errors, anomalous = drawn(0, 70, 40, 1.0)
    errors = np.round(errors, 1)  # with ties
    assert auroc(errors, anomalous).mean == pytest.approx(roc_auc_score(anomalous, errors))
    assert average_precision(errors, anomalous).mean == pytest.approx(average_precision_score(anomalous, errors))


def test_the_bootstrap_resamples_average_precision() -> None:
    """Its middle is near the figure itself, also with ties and infinite errors."""
    errors, anomalous = drawn(1, 300, 200, 1.0)
    errors = np.round(errors, 1)
    errors[-1] = np.inf
    found = average_precision(errors, anomalous)
    assert found.low < found.mean < found.high
    assert (found.low + found.high) / 2 == pytest.approx(found.mean, abs=0.02)


@pytest.mark.parametrize(
    ("normal", "anomalies", "apart"), [(30, 30, 1.0), (200, 15, 1.5), (20, 20, 2.5), (60, 60, 0.0)]
)
def test_an_interval_of_auroc_holds_the_truth(normal: int, anomalies: int, apart: float) -> None:
    """In at least 92 % of 400 draws; the true AUROC of two normal distributions is known."""
    truth = float(norm.cdf(apart / np.sqrt(2)))
    found = [auroc(*drawn(seed, normal, anomalies, apart)) for seed in range(250)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.91


def test_perfect_order_of_few_pictures_proves_little() -> None:
    """Five of five in order happen to 48 % of detectors with an AUROC near 0.48: no interval of 1 to 1."""
    errors, anomalous = np.arange(10.0), np.arange(10) >= 5
    found, precision = auroc(errors, anomalous), average_precision(errors, anomalous)
    assert (found.mean, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 5))
    assert precision.mean == 1.0 and precision.low < 0.9
    turned = auroc(-errors, anomalous)
    assert (turned.mean, turned.low) == (0.0, 0.0) and turned.high == pytest.approx(1 - 0.025 ** (1 / 5))


def test_one_picture_of_a_kind_has_no_interval_of_use() -> None:
    found = auroc(np.array([0.1, 0.2, 0.9]), np.array([False, False, True]))
    assert (found.mean, found.low, found.high) == (1.0, 0.0, 1.0)


def test_a_paired_difference_is_narrower_than_two_intervals_and_holds_the_truth() -> None:
    truth = float(norm.cdf(1.0 / np.sqrt(2)) - norm.cdf(0.5 / np.sqrt(2)))
    held, narrower = 0, 0
    for seed in range(300):
        draws = np.random.default_rng(seed)
        anomalous = np.arange(160) >= 100
        shared = 2.0 * draws.standard_normal(160)
        noise = np.sqrt(5.0)  # both have a variance of 5, most of it shared
        one = (shared + draws.standard_normal(160)) / noise + 1.0 * anomalous
        other = (shared + draws.standard_normal(160)) / noise + 0.5 * anomalous
        found = auroc_difference(one, other, anomalous)
        held += found.low <= truth <= found.high
        alone = auroc(one, anomalous)
        narrower += found.high - found.low < alone.high - alone.low
    assert held >= 0.92 * 300
    assert narrower >= 0.9 * 300


def test_a_method_does_not_differ_from_itself() -> None:
    errors, anomalous = drawn(2, 40, 30, 0.5)
    found = auroc_difference(errors, errors, anomalous)
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)
