"""95 % intervals over test images and seeds, with the p-values that agree with them.

Scores come as (S, N): S training seeds, the same N test images each. Test images are independent draws,
and so are seeds; the S models share the images, so rows and columns are crossed:

    score[s, i] = mean + image[i] + seed[s] + (image x seed)[s, i]

SciPy has the quantiles and the root finding. It has no interval for rows and columns that are crossed: its t tests and
its bootstrap take draws that are independent. So `_interval` and `_interaction` are ours.

A few images say little of the tail: of 50, none shows an outlier that is one in a hundred, and Student's interval
covers 75 % where 2 % of all images lie 20 standard deviations off. So an interval reckons with one more image,
`UNSEEN` standard deviations out: a fraction of the width from a thousand images on, twice the width at 50.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit

from isthmus.run_files.scores import IntervalRecord

LEVEL = 0.05  # an interval leaves out this much
UNSEEN = 12.0  # the least that covers 93 % and more of every cell of records/, see bench/coverage.py
LEAST_P = 1e-12


@dataclass(frozen=True)
class Spread:
    """What a mean's interval is made of: standard errors over images and over seeds with their degrees of freedom,
    and the room for an image that was not seen, `UNSEEN` standard deviations out."""

    over_images: float
    image_degrees: float
    over_seeds: float
    seed_degrees: float
    unseen: float

    def half_width(self, level: float) -> float:
        """Of the interval that leaves out `level`: the parts' half widths, added as squares."""
        images = -float(stdtrit(self.image_degrees, level / 2)) * self.over_images
        seeds = -float(stdtrit(self.seed_degrees, level / 2)) * self.over_seeds
        return math.hypot(images, seeds, -float(ndtri(level / 2)) * self.unseen)


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval, in the unit of the scores.

    covers_seeds: whether the interval also says how far other training seeds could have led. Where it is
    false it speaks of these very models on other images, and training luck is not covered.
    spread: None where an interval was read back from a file, and only its ends are known.
    """

    mean: float
    low: float
    high: float
    covers_seeds: bool
    spread: Spread | None = None

    @property
    def p(self) -> float:
        """Two-sided, of no difference: the level at which the interval would just reach 0, so that it is under 0.05
        where the interval leaves 0 out. No less than `LEAST_P`; nan where the spread is not known."""
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
        """As the run folder's JSON holds it."""
        return IntervalRecord(mean=self.mean, low=self.low, high=self.high)


def mean_interval(scores: np.ndarray, *, least: float = -math.inf, most: float = math.inf) -> Interval:
    """The mean of scores (S, N) over images, and over seeds where S is 2 or more.

    least, most: no score lies beyond, so no bound of the interval does.
    Raises: ValueError for another shape, fewer than 2 images, or a score that is not finite (SSIM of tiny
    images is not; leave such a measure out).
    """
    _check(scores)
    found = _interval(scores.mean(axis=0), [scores], covers_seeds=len(scores) > 1)
    return replace(found, low=max(found.low, least), high=min(found.high, most))


def paired_difference(a: np.ndarray, b: np.ndarray) -> Interval:
    """a - b, scores (S_a, N) and (S_b, N) on the same images in the same order.

    Pairing takes out what makes an image hard for both. Seeds are covered where both sides have 2 or more;
    a side with one seed adds no training luck, and the interval says so. Against a baseline that has no
    seed, such as PCA, take `mean_interval(a - b)` with b (1, N): its whole luck is a's.

    Raises: ValueError as `mean_interval`, and where the numbers of images differ.
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
    """per_image (N,), averaged over seeds, of scores `sides`, each (S, N).

    Images and seeds each get the t quantile of their own degrees of freedom, and the half widths add as
    squares. One Welch-Satterthwaite approximation over both would let two seeds that agree by chance borrow
    the images' hundreds of degrees: where luck is one side's only, it covers 87 % at 2 seeds, and this 96 %.
    The sides' seeds do share one approximation, as Welch intended.
    """
    mean, images = float(per_image.mean()), len(per_image)
    variance = float(per_image.var(ddof=1))
    seeded = [side for side in sides if len(side) > 1]
    # The means of seeds vary with the interaction too: it is counted there, and so not again in the images.
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
    """The residual mean square of scores (S, N) after their row and column means, S and N at least 2."""
    residual = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    return float(np.square(residual).sum()) / ((scores.shape[0] - 1) * (scores.shape[1] - 1))
