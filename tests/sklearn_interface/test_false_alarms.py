"""A promised rate of false alarms is kept, whatever the errors are."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.sklearn.false_alarms import least_samples, p_values, threshold


@pytest.mark.parametrize("level", [0.01, 0.05, 0.1, 0.5])
@pytest.mark.parametrize("samples", [99, 150])
def test_normal_samples_are_flagged_at_most_at_the_promised_rate(level: float, samples: int) -> None:
    """Over 4,000 draws of calibration and new errors from one distribution; 4 standard errors are allowed."""
    rng = np.random.default_rng(0)
    errors = np.square(rng.standard_cauchy((4000, samples + 1)))
    calibration, new = np.sort(errors[:, :-1], axis=1), errors[:, -1]
    flagged = [error > threshold(row, level) for row, error in zip(calibration, new, strict=True)]
    slack = 4 * np.sqrt(level * (1 - level) / len(errors))
    assert level - slack - 1 / (samples + 1) < np.mean(flagged) < level + slack


def test_threshold_and_p_values_agree_also_on_equal_errors() -> None:
    calibration = np.array([0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 4.0])
    errors = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0])
    for level in (0.1, 0.2, 0.3, 0.55, 0.9):
        assert ((errors > threshold(calibration, level)) == (p_values(calibration, errors) <= level + 1e-12)).all()


def test_an_error_computed_again_does_not_exceed_itself() -> None:
    calibration = np.array([0.1, 0.2, 0.3])
    assert threshold(calibration, 0.25) >= 0.3 * (1 + 1e-15)


def test_too_few_samples_flag_nothing() -> None:
    assert least_samples(0.01) == 99
    assert threshold(np.arange(98.0), 0.01) == np.inf
    assert threshold(np.arange(99.0), 0.01) == pytest.approx(98)
