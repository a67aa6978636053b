"""Intervals cover what they claim, verdicts follow them, and sentences say both without misleading digits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench import coverage
from isthmus.evaluation.statistics.intervals import LEAST_P, UNSEEN, Interval, mean_interval, paired_difference
from isthmus.evaluation.statistics.sentences import comparison_sentence, scope_of, with_correction
from isthmus.evaluation.statistics.verdicts import corrected_verdict, holm, verdict
from isthmus.run_files.write import as_json

_UNSEEN = UNSEEN * stats.norm.ppf(0.975)


def wider(scores: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Student's interval of `scores` (N,), and what it allows for an image that was not seen."""
    half = math.hypot((high - low) / 2, _UNSEEN * scores.std(ddof=1) / len(scores))
    return (low + high) / 2 - half, (low + high) / 2 + half


def test_one_seed_is_students_interval_over_images_and_room_for_one_unseen() -> None:
    scores = np.random.default_rng(0).normal(20, 3, (1, 40))
    interval = mean_interval(scores)
    low, high = stats.ttest_1samp(scores[0], 0).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx(wider(scores[0], low, high))
    assert as_json(interval.record()) == {"mean": scores.mean(), "low": interval.low, "high": interval.high}
    assert not interval.covers_seeds


def test_one_seed_each_is_the_paired_t_test_and_room_for_one_unseen() -> None:
    a, b = np.random.default_rng(0).normal(20, 3, (2, 1, 40))
    interval = paired_difference(a, b)
    low, high = stats.ttest_rel(a[0], b[0]).confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx(wider(a[0] - b[0], low, high))


def test_with_thousands_of_images_the_room_is_small() -> None:
    scores = np.random.default_rng(0).normal(20, 3, (1, 10_000))
    low, high = stats.ttest_1samp(scores[0], 0).confidence_interval(0.95)
    interval = mean_interval(scores)
    assert 1 < (interval.high - interval.low) / (high - low) < 1.01


def test_seeds_alone_give_welchs_interval() -> None:
    """Where images make no difference, only the seeds' means remain: Welch's t-test, and its p-value."""
    a, b = np.array([20.0, 20.3, 20.1]), np.array([19.5, 19.9])
    interval = paired_difference(np.tile(a[:, None], 50), np.tile(b[:, None], 50))
    test = stats.ttest_ind(a, b, equal_var=False)
    low, high = test.confidence_interval(0.95)
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.p == pytest.approx(test.pvalue)
    assert interval.covers_seeds


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("shift", [0.0, 0.02, 0.05, 0.1, 0.5, 30.0])
def test_a_p_value_is_under_5_per_cent_where_the_interval_leaves_zero_out(seeds: int, shift: float) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        interval = mean_interval(rng.normal(shift, 0.5, (seeds, 60)))
        assert (interval.p < 0.05) == (interval.low > 0 or interval.high < 0)
        assert LEAST_P <= interval.p <= 1


def test_a_p_value_is_the_level_at_which_the_interval_ends_at_zero() -> None:
    scores = np.random.default_rng(0).normal(0.2, 1, (1, 60))
    interval = mean_interval(scores)
    centred = scores - interval.mean
    edge = mean_interval(centred + (interval.high - interval.low) / 2)
    assert edge.p == pytest.approx(0.05, rel=1e-6)
    assert mean_interval(centred).p == pytest.approx(1)
    assert mean_interval(centred + 1e9).p == LEAST_P
    assert mean_interval(np.full((1, 5), 2.0)).p == LEAST_P
    assert mean_interval(np.zeros((1, 5))).p == 1


def test_an_interval_keeps_to_the_values_that_there_are() -> None:
    """A squared error is never under zero, however few images there are."""
    errors = np.array([[0.001, 0.04]])
    assert mean_interval(errors).low < 0
    interval = mean_interval(errors, least=0.0)
    assert interval.low == 0
    assert interval.high == mean_interval(errors).high
    assert mean_interval(np.array([[0.8, 0.99]]), least=-1.0, most=1.0).high == 1


def test_the_same_scores_give_the_same_bits() -> None:
    scores = np.random.default_rng(0).normal(20, 3, (3, 500))
    assert mean_interval(scores) == mean_interval(scores.copy())


def test_holms_correction() -> None:
    """Holm's own: the least p times m, the next times m - 1, and never less than the one before; in any order."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []
    assert corrected_verdict("better", 0.04) == "better"
    assert corrected_verdict("worse", 0.05) == "no measurable difference"


def test_of_many_identical_ones_none_is_called_better() -> None:
    """34 families that do not differ from their base: alone one in twenty would, corrected one study in twenty."""
    rng = np.random.default_rng(3)
    base = rng.normal(20, 3, (1, 500))
    plain = corrected = 0
    for _ in range(20):
        intervals = [paired_difference(base + rng.normal(0, 0.5, (1, 500)), base) for _ in range(34)]
        plain += any(verdict(interval) != "no measurable difference" for interval in intervals)
        corrected += any(p < 0.05 for p in holm([interval.p for interval in intervals]))
    assert plain >= 10
    assert corrected <= 2


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


# Repeated experiments, the draws fixed by a seed; bench/coverage.py does them all, more often.
_EXPERIMENTS = 500
_LOWEST = 0.93 - 2 * math.sqrt(0.93 * 0.07 / _EXPERIMENTS)


@pytest.mark.parametrize("tail", coverage.TAILS)
@pytest.mark.parametrize("seeds", [1, 2, 5])
@pytest.mark.parametrize("images", [20, 50, 200])
def test_intervals_cover_the_truth(tail: str, seeds: int, images: int) -> None:
    """In 93 % of experiments and more, with heavy tails and few images, and with training luck or without.

    With one seed the truth is that of the two models at hand, since luck is not covered.
    """
    for luck in coverage.LUCKS:
        case = coverage.Case(seeds, images, tail, luck)
        assert coverage.covered(case, _EXPERIMENTS, seed=1) >= _LOWEST, case


@pytest.mark.parametrize("seeds", [2, 3])
def test_intervals_cover_the_truth_where_only_one_side_has_luck(seeds: int) -> None:
    """Where one Welch-Satterthwaite approximation over images and seeds covers 87 % at two seeds."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(_EXPERIMENTS):
        a = rng.normal(0, 0.1, (seeds, 1)) + rng.normal(0, 0.5, 500)
        interval = paired_difference(a, np.zeros((seeds, 500)))
        held += interval.low <= 0 <= interval.high
    assert held / _EXPERIMENTS >= _LOWEST


def test_the_mean_over_seeds_covers_the_truth() -> None:
    """Per-image PSNR spreads by 3 dB; three seeds differ by 0.1 dB."""
    rng, held = np.random.default_rng(1), 0
    for _ in range(_EXPERIMENTS):
        images, luck = rng.normal(20, 3, 500), rng.normal(0, 0.1, (3, 1))
        interval = mean_interval(images + luck + rng.normal(0, 0.2, (3, 500)))
        held += interval.low <= 20 <= interval.high
    assert held / _EXPERIMENTS >= _LOWEST


def test_the_interaction_of_image_and_seed_is_counted_once() -> None:
    """Half widths come to t times the spread of the means; counted twice they would be 25 % too wide."""
    rng = np.random.default_rng(1)
    experiments = [rng.normal(0, 0.2, 20) + rng.standard_normal((20, 20)) for _ in range(_EXPERIMENTS)]
    intervals = [mean_interval(scores) for scores in experiments]
    seen = [replace(interval.spread, unseen=0.0) for interval in intervals if interval.spread]
    half = math.sqrt(np.mean([one.half_width(0.05) ** 2 for one in seen]))
    spread = np.std([interval.mean for interval in intervals])
    assert half == pytest.approx(stats.t.ppf(0.975, 19) * spread, rel=0.1)


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


def test_on_one_seed_a_sentence_is_about_the_models_in_those_words() -> None:
    interval = _interval(8.1, 7.9, 8.3)
    said = comparison_sentence("A", "B", interval, scope=scope_of(1, "A", (1, "B")))
    assert said == "These two models, one seed each: A beats B by 8.1 dB (95 % interval 7.9 to 8.3)."
    assert scope_of(3, "A", (1, "B")) == scope_of(1, "B", (3, "A")) == "These trained models, one seed of B: "
    assert scope_of(1, "A") == "This model, one seed: "
    assert scope_of(2, "A") == scope_of(2, "A", (3, "B")) == ""


def test_a_sentence_says_what_is_left_of_its_verdict_among_many() -> None:
    said = "A beats B by 8.1 dB (95 % interval 7.9 to 8.3)"
    kept = with_correction(f"{said}.", "better", 0.02, 34)
    assert kept == f"{said}; still so when corrected for 34 comparisons (p 0.02)."
    lost = with_correction(f"{said}.", "better", 0.0501, 34)
    assert lost == f"{said}; no measurable difference when corrected for 34 comparisons (p 0.0501)."
    assert "(p under 0.001)" in with_correction(f"{said}.", "worse", 1e-12, 34)
    assert with_correction(f"{said}.", "no measurable difference", 1.0, 34) == f"{said}."


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
