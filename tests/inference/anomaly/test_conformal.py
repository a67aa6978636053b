"""The p-values of a calibration, and what its size promises."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.core.errors import InputError
from isthmus.inference.anomaly.conformal import least_pictures, p_values, promise, threshold, what_n_allows


def test_a_p_value_is_the_share_of_errors_at_least_as_large_with_the_picture_itself() -> None:
    calibration = np.array([1.0, 2.0, 2.0, 4.0])
    found = p_values(calibration, np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]))
    assert found.tolist() == [1.0, 1.0, 4 / 5, 2 / 5, 2 / 5, 1 / 5]


def test_an_infinite_or_undefined_error_is_the_most_unusual() -> None:
    assert p_values(np.array([1.0, 2.0]), np.array([np.inf, np.nan])).tolist() == [1 / 3, 1 / 3]
    assert p_values(np.array([1.0, np.inf]), np.array([np.inf])).tolist() == [2 / 3]


@pytest.mark.parametrize("level", [0.01, 0.05, 0.07, 0.1, 0.3])
def test_the_least_number_of_pictures_suffices_and_one_less_does_not(level: float) -> None:
    n = least_pictures(level)
    assert promise(level, n).allowed == 1
    with pytest.raises(InputError, match=f"needs {n:,} calibration pictures.*calibrate on more, or ask for"):
        promise(level, n - 1)


def test_the_level_that_a_refusal_names_is_accepted() -> None:
    for n in (1, 7, 19, 50, 98):
        with pytest.raises(InputError) as refused:
            promise(0.001, n)
        assert promise(float(str(refused.value).rpartition("ask for ")[2]), n).allowed >= 1


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 2.0, float("nan")])
def test_a_level_outside_of_0_to_1_is_refused(level: float) -> None:
    with pytest.raises(InputError, match="is no rate; give a number between 0 and 1"):
        promise(level, 100)


def test_rounding_neither_gives_nor_takes_a_flag() -> None:
    """0.07 * 100 is 7.000000000000001, and 0.29 * 100 is 28.999999999999996."""
    for level, allowed in ((0.07, 7), (0.29, 29), (0.01, 1)):
        promised = promise(level, 99)
        assert promised.allowed == allowed
        assert promised.flags(np.array([allowed / 100, (allowed + 1) / 100])).tolist() == [True, False]


def test_what_a_number_of_pictures_allows_is_said() -> None:
    assert what_n_allows(199) == "With 199 calibration pictures, the lowest rate that can be promised is 0.5 %."


@pytest.mark.parametrize("draw", ["uniform", "ties"])
def test_the_rate_is_kept_on_average_and_one_calibration_lies_where_it_is_said(draw: str) -> None:
    """2,000 calibrations of 99 pictures, each with 100 new ones; equal errors only make false alarms rarer."""
    draws = np.random.default_rng(0)
    errors = draws.random((2000, 199)) if draw == "uniform" else draws.integers(0, 20, (2000, 199)).astype(float)
    promised = promise(0.1, 99)
    low, high = promised.likely
    shares = np.array([promised.flags(p_values(np.sort(row[:99]), row[99:])).mean() for row in errors])
    assert shares.mean() <= 0.1 + 3 * shares.std() / np.sqrt(len(shares))
    if draw == "uniform":
        assert shares.mean() == pytest.approx(0.1, abs=0.003)
        rates = np.array([1 - np.sort(row[:99])[-promised.allowed] for row in errors])  # of uniform errors
        assert np.mean((low <= rates) & (rates <= high)) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.1, 0.5])
@pytest.mark.parametrize("n", [99, 150])
def test_errors_above_the_threshold_are_flagged_at_most_at_the_promised_rate(level: float, n: int) -> None:
    """Over 4,000 draws of calibration and new errors from one distribution; 4 standard errors are allowed."""
    draws = np.random.default_rng(0)
    errors = np.square(draws.standard_cauchy((4000, n + 1)))
    calibration, new = np.sort(errors[:, :-1], axis=1), errors[:, -1]
    flagged = [error > threshold(row, level) for row, error in zip(calibration, new, strict=True)]
    slack = 4 * np.sqrt(level * (1 - level) / len(errors))
    assert level - slack - 1 / (n + 1) < np.mean(flagged) < level + slack


def test_threshold_and_p_values_agree_also_on_equal_errors() -> None:
    calibration = np.array([0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 4.0])
    errors = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0])
    for level in (0.1, 0.2, 0.3, 0.55, 0.9):
        assert ((errors > threshold(calibration, level)) == (p_values(calibration, errors) <= level + 1e-12)).all()


def test_no_error_exceeds_the_threshold_of_too_few_pictures() -> None:
    assert least_pictures(0.01) == 99
    assert threshold(np.arange(98.0), 0.01) == np.inf
    assert threshold(np.arange(99.0), 0.01) == 98
