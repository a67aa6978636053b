"""A comparison with PCA in one sentence, for one seed and for several."""

from __future__ import annotations

import pytest

from isthmus.evaluation.baselines.pca_comparison import mse_ratio, pca_sentence, with_standing
from isthmus.evaluation.baselines.pca_timeline import Course, Moment
from isthmus.evaluation.statistics.intervals import Interval

COMPARED = "m beats PCA by 0.18 dB (95 % interval 0.15 to 0.21)."


def course(lowest: float, since: Moment | None = None, epochs: int = 5) -> Course:
    return Course(pca_mse=0.02, epochs=epochs, lowest_ratio=lowest, since=since)


def moment(epoch: int, seconds: float) -> Moment:
    return Moment(epoch=epoch, step=100 * epoch, seconds=seconds)


START, LATER, LAST = moment(0, 0.0), moment(2, 41.3), moment(3, 1234.6)
UNKNOWN = Course(pca_mse=0.02)


@pytest.mark.parametrize(
    ("courses", "said"),
    [
        ([course(0.9, LATER)], "below PCA's on validation images since second 41 of training (epoch 2 of 5)"),
        (
            [course(0.9, moment(1, 2.34))],
            "below PCA's on validation images since second 2.3 of training (epoch 1 of 5)",
        ),
        ([course(0.9, START)], "at or below PCA's on validation images since the start of training"),
        ([course(1.312)], "never below PCA's on validation images in 5 epochs: at best 1.31 times PCA's"),
        ([course(1.0004, epochs=1)], "never below PCA's on validation images in 1 epoch: at best 1.0004 times PCA's"),
        ([course(1.0)], "at best equal to PCA's, on validation images in 5 epochs"),
        ([course(0.99999)], "at best equal to PCA's to four digits, on validation images in 5 epochs"),
        (
            [course(1.4), course(0.99)],
            "below PCA's on validation images in 1 of 2 seeds at best (0.99 of PCA's), but not with the weights kept",
        ),
        ([course(0.98)], "below PCA's on validation images at best (0.98 of PCA's), but not with the weights kept"),
        (
            [course(0.9, LATER), course(0.9, LAST), course(0.9, START)],
            "below PCA's on validation images since second 1,235 of training (epoch 3 of 5; the latest of 3 seeds)",
        ),
        ([course(0.9, START)] * 2, "at or below PCA's on validation images since the start of training"),
        ([course(0.9, LATER), course(1.1)], "below PCA's on validation images in 1 of 2 seeds"),
        (
            [course(1.2, epochs=4), course(1.1)],
            "never below PCA's on validation images in 5 epochs: at best 1.10 times PCA's",
        ),
    ],
)
def test_since_when(courses: list[Course], said: str) -> None:
    assert with_standing(COMPARED, 0.96, courses, len(courses)) == f"{COMPARED[:-1]}, MSE 0.96 of PCA's; {said}."


@pytest.mark.parametrize("courses", [[], [UNKNOWN], [Course()], [course(0.9, LATER), UNKNOWN]])
def test_what_is_not_known_is_not_said(courses: list[Course]) -> None:
    assert with_standing(COMPARED, 0.96, courses, 2) == f"{COMPARED[:-1]}, MSE 0.96 of PCA's."
    assert with_standing(COMPARED, None, courses, 2) == COMPARED


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (course(0.9, LATER), "below PCA's on validation images in 1 of 2 seeds"),
        (course(0.9, START), "below PCA's on validation images in 1 of 2 seeds"),
        (
            course(0.98),
            "below PCA's on validation images in 1 of 2 seeds at best (0.98 of PCA's), but not with the weights kept",
        ),
        (course(1.3), "never below PCA's on validation images in 5 epochs in 1 of 2 seeds: at best 1.30 times PCA's"),
    ],
)
def test_a_seed_that_stayed_at_pca_is_not_below_it(left: Course, said: str) -> None:
    """Its course touches PCA at its start, and would count as below it."""
    difference = Interval(0.2, 0.1, 0.3, True)
    sentence = pca_sentence("m", "PCA with 10 components", difference, ratio=0.95, courses=[left], stayed=1)
    assert sentence == (
        "m beats PCA with 10 components by 0.2 dB (95 % interval 0.1 to 0.3), MSE 0.95 of PCA's; "
        f"{said}; training did not improve m beyond PCA in 1 of 2 seeds."
    )


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.934, "0.93 of PCA's"),
        (0.9996, "0.9996 of PCA's"),
        (1.0, "equal to PCA's"),
        (1.00001, "equal to PCA's to four digits"),
        (0.99999, "equal to PCA's to four digits"),
        (1.849, "1.85 times PCA's"),
        (1234.5, "1,234 times PCA's"),
    ],
)
def test_a_ratio_has_the_digits_it_needs(ratio: float, said: str) -> None:
    assert with_standing(COMPARED, ratio, [], 0).endswith(f", MSE {said}.")


def test_no_ratio_to_an_error_of_zero() -> None:
    assert mse_ratio(0.01, 0.02) == 0.5
    assert mse_ratio(0.01, 0.0) is None
