"""From values to positions on a chart, and the positions of ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] to [start, end]; end may be smaller than start, as on a y axis."""

    low: float
    high: float
    start: float
    end: float
    kind: Literal["linear", "log2", "log10"] = "linear"

    def __call__(self, value: float) -> float:
        share = (self._bend(value) - self._bend(self.low)) / (self._bend(self.high) - self._bend(self.low))
        return self.start + share * (self.end - self.start)

    def ticks(self, at_most: int) -> list[float]:
        """At most `at_most` round values within the scale; powers of ten on a logarithmic scale if two fit."""
        round_values = {"log2": self._powers_of_two, "log10": self._decimal_steps}.get(self.kind)
        ticks = round_values(at_most) if round_values else []
        return ticks if len(ticks) > 1 else _linear_ticks(self.low, self.high, at_most)

    def _powers_of_two(self, at_most: int) -> list[float]:
        powers = range(math.ceil(math.log2(self.low)), math.floor(math.log2(self.high)) + 1)
        return [2.0**power for power in powers[:: math.ceil(len(powers) / at_most) or 1]]

    def _decimal_steps(self, at_most: int) -> list[float]:
        """1, 2, 5, 10, ..., thinned to at most `at_most`."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        inside: list[float] = []
        for digits in ((1, 2, 5), (1, 3), (1,)):
            values = [digit * 10.0**power for power in powers for digit in digits]
            inside = [value for value in values if self.low <= value <= self.high]
            if len(inside) <= at_most:
                return inside
        return inside[:: math.ceil(len(inside) / at_most)]

    def _bend(self, value: float) -> float:
        return value if self.kind == "linear" else math.log10(value)


def span(values: Iterable[float], *, padding: float = 0.06, include: float | None = None) -> tuple[float, float]:
    """The range of the finite values, widened by `padding` of itself at both ends, never empty."""
    finite = [value for value in values if math.isfinite(value)]
    if include is not None:
        finite.append(include)
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    margin = (high - low) * padding or 0.5
    return low - margin, high + margin


def log_span(values: Iterable[float], *, padding: float = 1.3) -> tuple[float, float]:
    """The range of the positive values, widened by the factor `padding` at both ends."""
    positive = [value for value in values if math.isfinite(value) and value > 0] or [1.0]
    return min(positive) / padding, max(positive) * padding


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions near `wanted`, in the same order, at least `gap` apart, and inside [low, high] if they fit."""
    order = sorted(range(len(wanted)), key=lambda item: wanted[item])
    placed: list[float] = []
    for item in order:
        placed.append(max(wanted[item], low, placed[-1] + gap if placed else low))
    limit = high
    for position in range(len(placed) - 1, -1, -1):
        placed[position] = min(placed[position], limit)
        limit = placed[position] - gap
    result = [0.0] * len(wanted)
    for position, item in enumerate(order):
        result[item] = placed[position]
    return result


def _linear_ticks(low: float, high: float, at_most: int) -> list[float]:
    rough = (high - low) / at_most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(
        size * power
        for size in (1, 2, 5, 10, 20, 50)
        if math.floor(high / (size * power)) - math.ceil(low / (size * power)) < at_most
    )
    return [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
