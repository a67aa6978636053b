"""Measurements and their goals."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.contest import Results


@dataclass(frozen=True)
class Measured:
    """A quantity with one value per round, and its goal if it has one. Without a value, it was not measured.

    goal: a limit for the median; a lower limit if `at_least` is true, else an upper one.
    """

    name: str
    values: tuple[float, ...]
    goal: float | None = None
    at_least: bool = True
    unit: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def holds(self) -> bool | None:
        if self.goal is None or not self.values:
            return None
        return self.median >= self.goal if self.at_least else self.median <= self.goal

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "median": self.median if self.values else None, "holds": self.holds}


def ratios(results: Results, over: str, under: str, key: str) -> tuple[float, ...]:
    """`key` of entry `over` divided by `key` of entry `under`, within each round, so close in time."""
    return tuple(a[key] / b[key] for a, b in zip(results[over], results[under], strict=True))


def table(rows: Sequence[Measured]) -> str:
    """A markdown table: median, spread over the rounds, goal, and whether it holds."""
    lines = ["| | median (lowest to highest) | goal | holds |", "|---|---|---|---|"]
    for row in rows:
        goal = "" if row.goal is None else f"{number(row.goal)} or {'more' if row.at_least else 'less'}"
        verdict = {None: "", True: "yes", False: "**no**"}[row.holds]
        if not row.values:
            lines.append(f"| {row.name} | not measured | {goal} | |")
            continue
        unit = f" {row.unit}" if row.unit else ""
        lines.append(f"| {row.name} | {spread(row.values)}{unit} | {goal} | {verdict} |")
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """`412 (398 to 420)`: the median, and the lowest and highest of several rounds."""
    median = number(statistics.median(values))
    return median if len(values) == 1 else f"{median} ({number(min(values))} to {number(max(values))})"


def number(value: float) -> str:
    """Three significant digits: 0.0371, 2.54, 412, 5,130."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0"
