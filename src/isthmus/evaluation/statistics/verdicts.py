"""Verdicts on differences: for one comparison, and for one of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from isthmus.evaluation.statistics.intervals import LEVEL, Interval

Tested = Literal["better", "worse", "no measurable difference"]
Verdict = Literal["better", "worse", "no measurable difference", "not tested"]


def verdict(interval: Interval, *, higher_is_better: bool = True) -> Tested:
    """Better, worse, or no measurable difference if the interval contains 0."""
    if interval.low <= 0 <= interval.high:
        return "no measurable difference"
    return "better" if (interval.mean > 0) == higher_is_better else "worse"


def corrected_verdict(plain: Tested, corrected_p: float) -> Tested:
    """The verdict `plain` after its p-value is corrected for the other comparisons."""
    return plain if corrected_p < LEVEL else "no measurable difference"


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrected p-values: the probability that any of those under 0.05 is a false finding is at most 0.05.

    SciPy corrects for the share of false findings among all (`false_discovery_control`), not for this probability.
    Source: Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected, reached = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = reached
    return corrected
