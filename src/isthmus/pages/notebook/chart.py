"""Curves with intervals, to compare numbers by eye in a notebook: an SVG picture for light and for dark pages."""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

from isthmus.core.errors import InputError
from isthmus.core.wording import counted, shown
from isthmus.pages.notebook.interfaces import ShownInNotebooks
from isthmus.pages.notebook.pictures import Small
from isthmus.pages.notebook.render import render
from isthmus.pages.report import text
from isthmus.pages.report.scales import Scale, log_span, span, spread
from isthmus.pages.report.svg import LINE_HEIGHT, Canvas
from isthmus.run_files.scores import IntervalRecord

_WIDTH, _HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, _WIDTH - 136, 30, _HEIGHT - 46
_LABEL = 19  # letters of a name beside the plot
_INK = "#808080"
# A picture cannot know its page's theme. Each has a contrast of 3.5 or more on white and on #111111.
_COLOURS = ("#3b82f6", "#d9620c", "#1a936f", "#a855f7")
_FONT = "font: 12px sans-serif"


@dataclass(frozen=True)
class _Point:
    """One value at `x`, with the ends of its interval; both are `y` where there is none."""

    x: float
    y: float
    low: float
    high: float


@final
class Chart(ShownInNotebooks):
    """What `isthmus.chart` returns: it shows itself in a notebook, and `svg` is the drawing.

    lines: by name, points (x, y) or (x, interval), in any order. x, y: titles of the axes.
    """

    def __init__(
        self, lines: Mapping[str, Mapping[Any, Any]], *, x: str, y: str, x_scale: Literal["linear", "log2", "log10"]
    ) -> None:
        if not 1 <= len(lines) <= len(_COLOURS):
            raise InputError(f"lines: there are {len(lines)}; give 1 to {len(_COLOURS)}, {{'PCA': {{8: 16.8}}}}")
        self._lines = {str(name): _points(str(name), points) for name, points in lines.items()}
        if x_scale != "linear" and any(point.x <= 0 for points in self._lines.values() for point in points):
            raise InputError(f"x_scale: {x_scale!r} needs values above 0; leave it out")
        self._x, self._y = x, y
        self._scale: Literal["linear", "log2", "log10"] = x_scale

    @property
    def svg(self) -> str:
        """The drawing as an SVG file."""
        return _draw(self._lines, self._x, self._y, self._scale)

    def __repr__(self) -> str:
        said = (f"{name}: {counted(len(points), 'point')}" for name, points in self._lines.items())
        return f"Chart({', '.join(said)})"

    def _repr_html_(self) -> str:
        source = f"data:image/svg+xml;base64,{base64.b64encode(self.svg.encode()).decode('ascii')}"
        return render("chart.html.jinja", chart=Small(source, self._words, _WIDTH, _HEIGHT))

    @property
    def _words(self) -> str:
        """What the drawing shows, for readers who cannot see it."""
        parts = [
            f"{name}: " + ", ".join(f"{point.y:.4g} at {point.x:g}" for point in points)
            for name, points in self._lines.items()
        ]
        return f"{self._y} against {self._x}. {'; '.join(parts)}"


def _points(name: str, given: Mapping[Any, Any]) -> list[_Point]:
    """A line's points from left to right. Raises InputError for values that are neither numbers nor intervals."""
    points: list[_Point] = []
    for x, value in given.items():
        match value:
            case IntervalRecord():
                numbers = (value.mean, value.low, value.high)
            case (mean, low, high):
                numbers = (mean, low, high)
            case _:
                numbers = (value, value, value)
        try:
            point = _Point(float(x), *map(float, numbers))
        except (TypeError, ValueError):
            point = _Point(math.nan, math.nan, math.nan, math.nan)
        if not all(map(math.isfinite, (point.x, point.y, point.low, point.high))):
            raise InputError(
                f"lines: {shown(name)} has {shown(value)} at {shown(x)}; give numbers, or (mean, low, high)"
            )
        points.append(point)
    if not points:
        raise InputError(f"lines: {shown(name)} has no points; give {{x: y}}")
    return sorted(points, key=lambda point: point.x)


def _draw(
    lines: Mapping[str, Sequence[_Point]], x_title: str, y_title: str, kind: Literal["linear", "log2", "log10"]
) -> str:
    canvas = Canvas(_WIDTH, _HEIGHT, kind="curve", title=f"{y_title} against {x_title}", description="")
    every = list(itertools.chain.from_iterable(lines.values()))
    xs = [point.x for point in every]
    x = Scale(*(span(xs) if kind == "linear" else log_span(xs, padding=1.1)), _LEFT, _RIGHT, kind)
    y = Scale(*span([end for point in every for end in (point.low, point.high)]), _BOTTOM, _TOP)
    for value in y.ticks(6):
        canvas.draw("line", x1=_LEFT, x2=_RIGHT, y1=y(value), y2=y(value), stroke=_INK, stroke_opacity=0.35)
        canvas.draw("text", x=_LEFT - 6, y=y(value) + 4, text=f"{value:g}", text_anchor="end", fill=_INK, style=_FONT)
    for value in x.ticks(8):
        canvas.draw("text", x=x(value), y=_BOTTOM + 18, text=f"{value:g}", text_anchor="middle", fill=_INK, style=_FONT)
    canvas.draw("text", x=0, y=14, text=y_title, fill=_INK, style=_FONT)
    canvas.draw("text", x=_RIGHT, y=_HEIGHT - 6, text=x_title, text_anchor="end", fill=_INK, style=_FONT)
    ends = [y(points[-1].y) for points in lines.values()]
    heights = spread(ends, LINE_HEIGHT, _TOP, _BOTTOM)
    for (name, points), colour, end, height in zip(lines.items(), _COLOURS, ends, heights, strict=False):
        path = " ".join(f"{x(point.x):.1f},{y(point.y):.1f}" for point in points)
        canvas.draw("polyline", points=path, fill="none", stroke=colour, stroke_width=2)
        for point in points:
            if point.low < point.high:
                _bar(canvas, x(point.x), (y(point.low), y(point.high)), colour)
            canvas.draw("circle", cx=x(point.x), cy=y(point.y), r=3.5, fill=colour)
        leader = f"{x(points[-1].x) + 6:.1f},{end:.1f} {_RIGHT + 8:.1f},{height:.1f}"
        canvas.draw("polyline", points=leader, fill="none", stroke=colour, stroke_opacity=0.5)
        shown_name = text.shorten(name, _LABEL)
        canvas.draw("text", x=_RIGHT + 12, y=height + 4, text=shown_name, fill=colour, style=_FONT)
    # an image of its own has to name its language
    return str(canvas.markup()).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def _bar(canvas: Canvas, x: float, ends: tuple[float, float], colour: str) -> None:
    """An interval at `x`, in CSS pixels."""
    canvas.draw("line", x1=x, x2=x, y1=ends[0], y2=ends[1], stroke=colour, stroke_width=5, stroke_opacity=0.4)
