"""What a score or a difference is worth: 95 % intervals over test images and seeds, verdicts, sentences.

Scores come as (S, N): S training seeds, the same N test images each. Test images are independent draws,
and so are seeds; the S models share the images, so rows and columns are crossed:

    score[s, i] = mean + image[i] + seed[s] + (image x seed)[s, i]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

_NOTHING_DB = 0.001  # a network that did not move differs from itself by rounding: nobody wants its digits
Verdict = Literal["better", "worse", "no measurable difference"]

_COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval, in the unit of the scores.

    covers_seeds: whether the interval also says how far other training seeds could have led. Where it is
    false it speaks of these very models on other images, and training luck is not covered.
    """

    mean: float
    low: float
    high: float
    covers_seeds: bool

    def as_dict(self) -> dict[str, float]:
        """As the run folder's JSON holds it."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def mean_interval(scores: np.ndarray) -> Interval:
    """The mean of scores (S, N) over images, and over seeds where S is 2 or more.

    Raises: ValueError for another shape, fewer than 2 images, or a score that is not finite (SSIM of tiny
    images is not; leave such a measure out).
    """
    _check(scores)
    return _interval(scores.mean(axis=0), [scores], covers_seeds=len(scores) > 1)


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


def verdict(interval: Interval, *, higher_is_better: bool = True) -> Verdict:
    """What a difference amounts to: an interval that holds 0 is no measurable difference."""
    if interval.low <= 0 <= interval.high:
        return "no measurable difference"
    return "better" if (interval.mean > 0) == higher_is_better else "worse"


def comparison_sentence(
    name: str,
    against: str,
    interval: Interval,
    unit: str = "dB",
    *,
    higher_is_better: bool = True,
    cost_ratio: float | None = None,
) -> str:
    """The finding in words, from `interval` of name - against.

    cost_ratio: the arithmetic of `name` over that of `against`; said where it is 1.5 or more, or below 0.67.

    "latent-512 beats latent-10 by 8.1 dB (95 % interval 7.9 to 8.3)."
    "denoise against latent-10: no measurable difference (+0.02 dB, 95 % interval -0.03 to +0.07)."
    """
    judged = verdict(interval, higher_is_better=higher_is_better)
    mean, low, high = interval.mean, interval.low, interval.high
    cost = _cost_phrase(cost_ratio)
    places = _decimals(interval)
    if judged == "no measurable difference":
        if unit == "dB" and max(-low, high) <= _NOTHING_DB:
            return f"{name} against {against}: {judged} (within {_NOTHING_DB} dB either way){cost}."
        shown, below, above = (f"{value:+z.{places}f}" for value in (mean, low, high))
        amount = f"{shown} {unit}".rstrip()
        return f"{name} against {against}: {judged} ({amount}, 95 % interval {below} to {above}){cost}."
    if mean < 0:
        mean, low, high = -mean, -high, -low
    amount = f"{mean:.{places}f} {unit}".rstrip()
    bounds = f"(95 % interval {low:.{places}f} to {high:.{places}f})"
    if judged == "better":
        return f"{name} beats {against} by {amount} {bounds}{cost}."
    return f"{name} is {amount} worse than {against} {bounds}{cost}."


def t_quantile(degrees: float) -> float:
    """The half width, in standard errors, of a 95 % interval by Student's t; degrees of freedom of 1 or more.

    With t = sqrt(degrees) tan(angle) the density is a power of the cosine, smooth on a finite range: Gauss-
    Legendre quadrature gives the probability inside an angle, and Newton's method, which cannot overshoot
    as that probability is concave, the angle; 9 digits together.
    """
    degrees = min(degrees, 1e6)  # beyond, t is the normal distribution to 5 digits
    scale = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) + math.log(2 / math.sqrt(math.pi))
    nodes, weights = _legendre()
    angle = 0.0
    for _ in range(12):
        inside = angle * (weights @ np.exp(scale + (degrees - 1) * np.log(np.cos(angle * nodes))))
        density = math.exp(scale + (degrees - 1) * math.log(math.cos(angle)))
        angle += (_COVERAGE - float(inside)) / density
    return math.sqrt(degrees) * math.tan(angle)


@cache
def _legendre() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    return (nodes + 1) / 2, weights / 2


def _check(scores: np.ndarray) -> None:
    if scores.ndim != 2 or len(scores) == 0 or scores.shape[1] < 2:
        raise ValueError(f"an interval needs scores (S, N) of at least 2 images, not {scores.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("an interval needs finite scores: leave a measure out where it is undefined")


def _interval(per_image: np.ndarray, sides: list[np.ndarray], *, covers_seeds: bool) -> Interval:
    """per_image (N,), averaged over seeds, of scores `sides`, each (S, N).

    Images and seeds each get the t quantile of their own degrees of freedom, and the two half widths add as
    squares. One Welch-Satterthwaite approximation over both would let two seeds that agree by chance borrow
    the images' hundreds of degrees: where luck is one side's only, it covers 87 % at 2 seeds, and this 96 %.
    The sides' seeds do share one approximation, as Welch intended.
    """
    mean, images = float(per_image.mean()), len(per_image)
    image_part = float(per_image.var(ddof=1)) / images
    seeded = [side for side in sides if len(side) > 1]
    # The means of seeds vary with the interaction too: it is counted there, and so not again in the images.
    image_part = max(0.0, image_part - sum(_interaction(side) / side.size for side in seeded))
    seed_parts = [float(side.mean(axis=1).var(ddof=1)) / len(side) for side in seeded]
    half = t_quantile(images - 1) * math.sqrt(image_part)
    if sum(seed_parts) > 0:
        square_sum = sum(part**2 / (len(side) - 1) for part, side in zip(seed_parts, seeded, strict=True))
        degrees = sum(seed_parts) ** 2 / square_sum
        half = math.hypot(half, t_quantile(degrees) * math.sqrt(sum(seed_parts)))
    return Interval(mean, mean - half, mean + half, covers_seeds)


def _interaction(scores: np.ndarray) -> float:
    """The residual mean square of scores (S, N) after their row and column means, S and N at least 2."""
    residual = scores - scores.mean(axis=0) - scores.mean(axis=1, keepdims=True) + scores.mean()
    return float(np.square(residual).sum()) / ((scores.shape[0] - 1) * (scores.shape[1] - 1))


def _decimals(interval: Interval) -> int:
    """Two significant digits of the half width, at most 3 decimals, without zeros that all numbers end in.

    More only where a bound would otherwise read as 0, or both as the same number.
    """
    half, shown = (interval.high - interval.low) / 2, (interval.mean, interval.low, interval.high)
    places = min(3, max(1, 1 - math.floor(math.log10(half)))) if half > 0 else 3
    while places > 1 and all(f"{value:.{places}f}".endswith("0") for value in shown):
        places -= 1
    while places < 12 and any(_reads_wrong(interval, places)):
        places += 1
    return places


def _reads_wrong(interval: Interval, places: int) -> tuple[bool, ...]:
    low, high = round(interval.low, places), round(interval.high, places)
    return (low == 0 != interval.low, high == 0 != interval.high, low == high and interval.low != interval.high)


def _cost_phrase(ratio: float | None) -> str:
    if ratio is None or 0.67 <= ratio < 1.5:
        return ""
    times = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
    return f" {'for' if ratio > 1 else 'with'} {times} times the arithmetic"
