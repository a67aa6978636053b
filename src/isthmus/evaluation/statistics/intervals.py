"""95 % intervals over test images and seeds, with the p-values that agree with them.

Scores are (S, N): S training seeds, each with the same N test images. Test images are independent draws,
and so are seeds. The S models share the images, so rows and columns are crossed:

    score[s, i] = mean + image[i] + seed[s] + (image x seed)[s, i]

SciPy provides the quantiles and the root finding. It has no interval for crossed rows and columns: its t tests and
its bootstrap assume independent draws. So `_interval` and `_interaction` are our own.

A few images show little of the tail: 50 images often contain no outlier of a kind that is one in a hundred, and
Student's interval covers only 75 % if 2 % of all images lie 20 standard deviations off. So an interval allows for one
more image, `UNSEEN` standard deviations out: this adds a fraction of the width from a thousand images on, and doubles
the width at 50.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit

from isthmus.run_files.scores import IntervalRecord

LEVEL = 0.05  # the probability that an interval leaves out
UNSEEN = 12.0  # the smallest value with a coverage of at least 93 % in every case of records/, see bench/coverage.py
LEAST_P = 1e-12


@dataclass(frozen=True)
class Spread:
    """The parts of a mean's interval: standard errors over images and over seeds with their degrees of freedom,
    and the allowance for one unseen image, `UNSEEN` standard deviations out."""

    over_images: float
    image_degrees: float
    over_seeds: float
    seed_degrees: float
    unseen: float

    def half_width(self, level: float) -> float:
        """Half width of the interval that leaves out `level`: the root of the sum of the parts' squared half widths."""
        images = -float(stdtrit(self.image_degrees, level / 2)) * self.over_images
        seeds = -float(stdtrit(self.seed_degrees, level / 2)) * self.over_seeds
        return math.hypot(images, seeds, -float(ndtri(level / 2)) * self.unseen)


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval, in the unit of the scores.

    covers_seeds: whether the interval includes the variation over training seeds. If false, it is about these
    trained models on other images, and the luck of training is not covered.
    spread: None if the interval was read from a file, so that only its ends are known.
    """

    mean: float
    low: float
    high: float
    covers_seeds: bool
    spread: Spread | None = None

    @property
    def p(self) -> float:
        """Two-sided p-value of no difference: the level at which the interval would just reach 0. So it is under 0.05
        if the interval does not contain 0. At least `LEAST_P`; NaN if the spread is not known."""
        spread, distance = self.spread, abs(self.mean)
        if spread is None:
            return math.nan
        if distance == 0:
            return 1.0
        if spread.half_width(LEAST_P) <= distance:
            return LEAST_P

        def beyond(log_p: float) -> float:  # in logarithms, so that a small p is as exact as a large one
            return spread.half_width(math.exp(log_p)) - distance

        found: Any = brentq(beyond, math.log(LEAST_P), 0, xtol=1e-14)
        return math.exp(found)

    def record(self) -> IntervalRecord:
        """The form in the run folder's JSON."""
        return IntervalRecord(mean=self.mean, low=self.low, high=self.high)


def mean_interval(scores: np.ndarray, *, least: float = -math.inf, most: float = math.inf) -> Interval:
    """The mean of scores (S, N) over images, and over seeds if S is 2 or more.

    least, most: the lowest and highest possible score; the interval ends there.
    Raises: ValueError for another shape, fewer than 2 images, or a score that is not finite (such as SSIM of
    tiny images: leave that measure out).
    """
    _check(scores)
    found = _interval(scores.mean(axis=0), [scores], covers_seeds=len(scores) > 1)
    return replace(found, low=max(found.low, least), high=min(found.high, most))


def paired_difference(a: np.ndarray, b: np.ndarray) -> Interval:
    """a - b, scores (S_a, N) and (S_b, N) on the same images in the same order.

    Pairing removes what makes an image hard for both. Seeds are covered if both sides have 2 or more. The training
    luck of a side with one seed is not included, and `covers_seeds` is false. For a baseline without a seed, such as
    PCA, use `mean_interval(a - b)` with b (1, N): then all training luck is that of a.

    Raises: ValueError as in `mean_interval`, and if the numbers of images differ.
    """
    _check(a)
    _check(b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"paired scores need the same images, not {a.shape[1]} and {b.shape[1]} of them")
    return _interval(a.mean(axis=0) - b.mean(axis=0), [a, b], covers_seeds=min(len(a), len(b)) > 1)


def _check(scores: np.ndarray) -> None:
    if scores.ndim != 2 or len(scores) == 0 or scores.shape[1] < 2:
        raise ValueError(f"an interval needs scores (S, N) of at least 2 images, not {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("an interval needs finite scores: leave a measure out where it is undefined")


def _interval(per_image: np.ndarray, sides: list[np.ndarray], *, covers_seeds: bool) -> Interval:
    """The interval of the mean of per_image (N,), the scores of `sides`, each (S, N), averaged over seeds.

    Images and seeds each get the t quantile of their own degrees of freedom, and the squared half widths are
    added. With one Welch-Satterthwaite approximation over both, two seeds that agree by chance would profit from
    the images' hundreds of degrees of freedom: if only one side varies with its seed, that covers 87 % at 2 seeds,
    and this method 96 %. The seeds of both sides do share one approximation, as Welch intended.
    """
    mean, images = float(per_image.mean()), len(per_image)
    variance = float(per_image.var(ddof=1))
    seeded = [side for side in sides if len(side) > 1]
    # The interaction is already part of the variance of the seeds' means, so it is not counted again for the images.
    image_part = max(0.0, variance / images - sum(_interaction(side) / side.size for side in seeded))
    seed_parts = [float(side.mean(axis=1).var(ddof=1)) / len(side) for side in seeded]
    seed_part, degrees = sum(seed_parts), 1.0
    if seed_part > 0:
        square_sum = sum(part**2 / (len(side) - 1) for part, side in zip(seed_parts, seeded, strict=True))
        degrees = seed_part**2 / square_sum
    unseen = UNSEEN * math.sqrt(variance) / images
    spread = Spread(math.sqrt(image_part), images - 1, math.sqrt(seed_part), degrees, unseen)
    half = spread.half_width(LEVEL)
    return Interval(mean, mean - half, mean + half, covers_seeds, spread)


def _interaction(scores: np.ndarray) -> float:
    """The residual mean square of scores (S, N) after removing row and column means; S and N at least 2."""
    residual = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    return float(np.square(residual).sum()) / ((scores.shape[0] - 1) * (scores.shape[1] - 1))
