"""Intervals cover what they claim, verdicts follow them, and sentences say both without misleading digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isthmus.statistics import (
    Interval,
    comparison_sentence,
    mean_interval,
    paired_difference,
    t_quantile,
    verdict,
)


@pytest.mark.parametrize("degrees", [1, 1.0001, 1.37, 2, 2.5, 3, 4, 7.7, 30, 499, 9999, 3e5, 1e6, 1e12])
def test_t_quantile_equals_scipy(degrees: float) -> None:
    assert t_quantile(degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=3e-6 if degrees > 1e6 else 1e-8)


def test_one_seed_is_students_interval_over_images() -> None:
    scores = np.random.default_rng(0).normal(20, 3, (1, 40))
    interval = mean_interval(scores)
    low, high = stats.ttest_1samp(scores[0], 0).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.as_dict() == {"mean": scores.mean(), "low": interval.low, "high": interval.high}
    assert not interval.covers_seeds


def test_one_seed_each_is_the_paired_t_test() -> None:
    a, b = np.random.default_rng(0).normal(20, 3, (2, 1, 40))
    interval = paired_difference(a, b)
    low, high = stats.ttest_rel(a[0], b[0]).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_seeds_alone_give_welchs_interval() -> None:
    """Where images make no difference, only the seeds' means remain: Welch's t-test."""
    a, b = np.array([20.0, 20.3, 20.1]), np.array([19.5, 19.9])
    interval = paired_difference(np.tile(a[:, None], 50), np.tile(b[:, None], 50))
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.covers_seeds


def test_pairing_takes_out_what_the_images_share() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(20, 3, (1, 500))
    b = a - 0.1 + rng.normal(0, 0.2, (1, 500))
    assert verdict(paired_difference(a, b)) == "better"
    assert mean_interval(a).low < b.mean() < mean_interval(a).high


def test_seeds_count_only_where_both_sides_have_them() -> None:
    rng = np.random.default_rng(0)
    two, one = rng.normal(20, 1, (2, 30)), rng.normal(20, 1, (1, 30))
    assert paired_difference(two, two + 1).covers_seeds
    assert not paired_difference(two, one).covers_seeds
    assert not paired_difference(one, two).covers_seeds
    assert mean_interval(two - one).covers_seeds


def test_swapping_sides_mirrors_the_interval() -> None:
    a, b = np.random.default_rng(0).normal(20, 1, (2, 3, 30))
    one, other = paired_difference(a, b), paired_difference(b[:2], a)
    mirrored = paired_difference(a, b[:2])
    assert (other.mean, other.low, other.high) == pytest.approx((-mirrored.mean, -mirrored.high, -mirrored.low))
    assert one.low < one.mean < one.high


def test_equal_scores_have_no_difference_and_no_width() -> None:
    scores = np.random.default_rng(0).normal(20, 3, (1, 40))
    same = paired_difference(scores, scores)
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    assert verdict(same) == "no measurable difference"


@pytest.mark.parametrize(
    "scores",
    [np.zeros(5), np.zeros((0, 5)), np.zeros((3, 1)), np.array([[1.0, np.nan]]), np.array([[1.0, np.inf]])],
)
def test_refuses_scores_it_cannot_judge(scores: np.ndarray) -> None:
    with pytest.raises(ValueError, match="an interval needs"):
        mean_interval(scores)
    with pytest.raises(ValueError, match="an interval needs"):
        paired_difference(np.zeros((1, 5)), scores)


def test_refuses_other_images() -> None:
    with pytest.raises(ValueError, match="same images"):
        paired_difference(np.zeros((1, 5)), np.zeros((1, 6)))


# Repeated experiments, the draws fixed by a seed: 500 images, whose paired difference spreads by 0.5 dB, part
# of it the interaction of image and training seed. The bounds are 93 and 99 %, each two standard errors of a
# share simulated this often further out; 2,500 experiments keep within the bounds themselves.
_EXPERIMENTS = 500
_LOWEST = 0.93 - 2 * math.sqrt(0.93 * 0.07 / _EXPERIMENTS)
_HIGHEST = 0.99 + 2 * math.sqrt(0.99 * 0.01 / _EXPERIMENTS)


@pytest.mark.parametrize("seed_sd", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_intervals_cover_the_truth(seeds: int, seed_sd: float) -> None:
    """In 93 to 99 % of experiments, whether training luck is nothing, small, or all there is.

    With one seed the truth is that of the two models at hand, since luck is not covered.
    """
    assert _LOWEST <= _coverage(seeds, (seed_sd, seed_sd), interaction_sd=0.2) <= _HIGHEST


@pytest.mark.parametrize("seeds", [2, 3])
def test_intervals_cover_the_truth_where_only_one_side_has_luck(seeds: int) -> None:
    """Where one Welch-Satterthwaite approximation over images and seeds covers 87 % at two seeds."""
    assert _LOWEST <= _coverage(seeds, (0.1, 0.0), interaction_sd=0.0) <= _HIGHEST


def _coverage(seeds: int, seed_sds: tuple[float, float], interaction_sd: float) -> float:
    """The share of experiments whose interval holds the true difference, 0 over all seeds."""
    rng, held = np.random.default_rng(1), 0
    image_sd = math.sqrt(0.5**2 - 2 * interaction_sd**2 / seeds)
    for _ in range(_EXPERIMENTS):
        luck = [rng.normal(0, sd, (seeds, 1)) for sd in seed_sds]
        a, b = (part + interaction_sd * rng.standard_normal((seeds, 500)) for part in luck)
        interval = paired_difference(a + rng.normal(0, image_sd, 500), b)
        truth = 0.0 if interval.covers_seeds else float(luck[0].mean() - luck[1].mean())
        held += interval.low <= truth <= interval.high
    return held / _EXPERIMENTS


def test_the_mean_over_seeds_covers_the_truth() -> None:
    """Per-image PSNR spreads by 3 dB; three seeds differ by 0.1 dB."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(_EXPERIMENTS):
        images, luck = rng.normal(20, 3, 500), rng.normal(0, 0.1, (3, 1))
        interval = mean_interval(images + luck + rng.normal(0, 0.2, (3, 500)))
        held += interval.low <= 20 <= interval.high
    assert _LOWEST <= held / _EXPERIMENTS <= _HIGHEST


def test_the_interaction_of_image_and_seed_is_counted_once() -> None:
    """Half widths come to t times the spread of the means; counted twice they would be 25 % too wide."""
    rng = np.random.default_rng(1)
    shape = (20, 20)
    experiments = [rng.normal(0, 0.2, 20) + rng.standard_normal(shape) for _ in range(_EXPERIMENTS)]
    intervals = [mean_interval(scores) for scores in experiments]
    half = math.sqrt(np.mean([(interval.high - interval.low) ** 2 / 4 for interval in intervals]))
    spread = np.std([interval.mean for interval in intervals])
    assert half == pytest.approx(t_quantile(19) * spread, rel=0.1)


def _interval(mean: float, low: float, high: float) -> Interval:
    return Interval(mean, low, high, covers_seeds=True)


def test_verdicts_follow_the_interval_and_the_measures_direction() -> None:
    assert verdict(_interval(2, 1, 3)) == "better"
    assert verdict(_interval(-2, -3, -1)) == "worse"
    assert verdict(_interval(2, 1, 3), higher_is_better=False) == "worse"
    assert verdict(_interval(-2, -3, -1), higher_is_better=False) == "better"
    for interval in (_interval(1, -1, 3), _interval(1, 0, 2), _interval(0, 0, 0)):
        assert verdict(interval) == "no measurable difference"


@pytest.mark.parametrize(
    ("interval", "extra", "expected"),
    [
        ((8.1, 7.9, 8.3), {}, "A beats B by 8.1 dB (95 % interval 7.9 to 8.3)."),
        ((8.12, 7.91, 8.33), {}, "A beats B by 8.12 dB (95 % interval 7.91 to 8.33)."),
        (
            (0.02, -0.03, 0.07),
            {},
            "A against B: no measurable difference (+0.02 dB, 95 % interval -0.03 to +0.07).",
        ),
        ((-0.4, -0.5, -0.3), {}, "A is 0.4 dB worse than B (95 % interval 0.3 to 0.5)."),
        (
            (0.2, 0.1, 0.3),
            {"cost_ratio": 25.2},
            "A beats B by 0.2 dB (95 % interval 0.1 to 0.3) for 25 times the arithmetic.",
        ),
        (
            (-0.2, -0.3, -0.1),
            {"cost_ratio": 0.5},
            "A is 0.2 dB worse than B (95 % interval 0.1 to 0.3) with 0.5 times the arithmetic.",
        ),
        ((0.2, 0.1, 0.3), {"cost_ratio": 1.2}, "A beats B by 0.2 dB (95 % interval 0.1 to 0.3)."),
        (
            (0.2, 0.1, 0.3),
            {"cost_ratio": 1234.0},
            "A beats B by 0.2 dB (95 % interval 0.1 to 0.3) for 1,234 times the arithmetic.",
        ),
        (
            (-0.0003, -0.0004, -0.0002),
            {"unit": "", "higher_is_better": False},
            "A beats B by 0.0003 (95 % interval 0.0002 to 0.0004).",
        ),
        # A bound of 0.00004 must not read as 0, a mean of -0.0001 not as minus nothing.
        ((0.5, 0.00004, 1.0), {}, "A beats B by 0.50000 dB (95 % interval 0.00004 to 1.00000)."),
        (
            (-0.001, -1.234, 1.232),
            {},
            "A against B: no measurable difference (+0.0 dB, 95 % interval -1.2 to +1.2).",
        ),
        (
            (0.0, 0.0, 0.0),
            {},
            "A against B: no measurable difference (within 0.001 dB either way).",
        ),
        (
            (0.000002, -0.000004, 0.000008),
            {"cost_ratio": 19.0},
            "A against B: no measurable difference (within 0.001 dB either way) for 19 times the arithmetic.",
        ),
        (
            (0.000002, -0.000004, 0.000008),
            {"unit": ""},
            "A against B: no measurable difference (+0.000002, 95 % interval -0.000004 to +0.000008).",
        ),
    ],
)
def test_sentences(interval: tuple[float, float, float], extra: dict[str, object], expected: str) -> None:
    assert comparison_sentence("A", "B", _interval(*interval), **extra) == expected


@given(st.floats(-60, 60), st.floats(1e-6, 40))
def test_a_sentence_never_shows_an_interval_other_than_it_judged(mean: float, half: float) -> None:
    """Neither without width, nor on the other side of zero."""
    interval = _interval(mean, mean - half, mean + half)
    sentence = comparison_sentence("A", "B", interval)
    if "within" in sentence:
        assert verdict(interval) == "no measurable difference"
        assert max(abs(interval.low), abs(interval.high)) <= 0.001
        return
    low, high = (float(word) for word in sentence.partition("interval ")[2].rstrip(").").split(" to "))
    assert low < high
    assert (low <= 0 <= high) == (verdict(interval) == "no measurable difference")
