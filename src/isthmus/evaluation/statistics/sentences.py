"""A comparison in words, with a number of digits that does not mislead."""

from __future__ import annotations

import math

from isthmus.evaluation.statistics.intervals import LEVEL, Interval
from isthmus.evaluation.statistics.verdicts import Tested, corrected_verdict, verdict

_NOTHING_DB = 0.001  # two equal networks may differ by rounding: their digits mean nothing
_EQUAL = 0.05  # of training: a smaller difference may be one last batch, or early stopping with another seed
ABOUT_MODELS = "one seed: about these models, not about the choice between them"


def comparison_sentence(
    name: str,
    against: str,
    interval: Interval,
    unit: str = "dB",
    *,
    higher_is_better: bool = True,
    cost_ratio: float | None = None,
    scope: str = "",
) -> str:
    """The finding in words, from `interval` of name - against.

    cost_ratio: the arithmetic of `name` divided by that of `against`; mentioned if 1.5 or more, or below 0.67.
    scope: the result of `scope_of`; the sentence begins with it.

    "latent-512 beats latent-10 by 8.1 dB (95 % interval 7.9 to 8.3)."
    "These two models, one seed each: denoise against latent-10: no measurable difference (+0.02 dB, 95 % interval
    -0.03 to +0.07)."
    """
    judged = verdict(interval, higher_is_better=higher_is_better)
    mean, low, high = interval.mean, interval.low, interval.high
    cost = _cost_phrase(cost_ratio)
    places = _decimals(interval)
    if judged == "no measurable difference":
        if unit == "dB" and max(-low, high) <= _NOTHING_DB:
            return f"{scope}{name} against {against}: {judged} (within {_NOTHING_DB} dB either way){cost}."
        shown, below, above = (f"{value:+z.{places}f}" for value in (mean, low, high))
        amount = f"{shown} {unit}".rstrip()
        return f"{scope}{name} against {against}: {judged} ({amount}, 95 % interval {below} to {above}){cost}."
    if mean < 0:
        mean, low, high = -mean, -high, -low
    amount = f"{mean:.{places}f} {unit}".rstrip()
    bounds = f"(95 % interval {low:.{places}f} to {high:.{places}f})"
    if judged == "better":
        return f"{scope}{name} beats {against} by {amount} {bounds}{cost}."
    return f"{scope}{name} is {amount} worse than {against} {bounds}{cost}."


def scope_of(seeds: int, name: str, against: tuple[int, str] | None = None) -> str:
    """The beginning of a verdict's sentence, if the verdict is about single models and not about the choice.

    seeds: how many seeds of `name` it uses. against: the same for the other side; None if that has no seed, such as
    PCA. With two or more seeds on each side the verdict is about the choice, and the result is empty.
    """
    if against is None:
        return "This model, one seed: " if seeds == 1 else ""
    alone = [who for count, who in ((seeds, name), against) if count == 1]
    if len(alone) == 2:
        return "These two models, one seed each: "
    return f"These trained models, one seed of {alone[0]}: " if alone else ""


def with_correction(sentence: str, plain: Tested, corrected_p: float, comparisons: int) -> str:
    """`sentence`, plus whether its verdict holds after correction for all comparisons; unchanged without a verdict."""
    if plain == "no measurable difference":
        return sentence
    p = f"p {_written(corrected_p)}"
    kept = corrected_verdict(plain, corrected_p) == plain
    left = f"still so when corrected for {comparisons} comparisons ({p})" if kept else ""
    lost = f"no measurable difference when corrected for {comparisons} comparisons ({p})"
    return f"{sentence.removesuffix('.')}; {left or lost}."


def unequal_effort(one: tuple[str, float, float], against: tuple[str, float, float]) -> str:
    """A sentence if one of the two saw more images in training; '' if not, or if unknown.

    Each argument is (name, images seen in training, seconds of training). A comparison of choices assumes equal
    training, so a reader of the verdict must see if it was not equal.
    """
    few, many = sorted((one[1], against[1]))
    if not many > few * (1 + _EQUAL):  # also false for NaN
        return ""
    parts = [f"{name} saw {images:,.0f} images in {seconds:,.0f} s" for name, images, seconds in (one, against)]
    return f"Not the same training: {', '.join(parts)}."


def _written(p: float) -> str:
    if p < 0.001:
        return "under 0.001"
    places = next((places for places in (2, 3, 4) if round(p, places) > 0 and round(p, places) != LEVEL), 4)
    return f"{p:.{places}f}"


def _decimals(interval: Interval) -> int:
    """Decimals that show two significant digits of the half width: at most 3, without common trailing zeros.

    More only if a bound would otherwise read as 0, or both bounds as the same number.
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
