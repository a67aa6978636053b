"""Points with whiskers over a logarithmic axis, each with its name beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from isthmus.pages.report import text
from isthmus.pages.report.scales import Scale, log_span, span, spread
from isthmus.pages.report.svg import LINE_HEIGHT, Canvas, Layout, colour_class
from isthmus.run_files.scores import IntervalRecord

_REACH = 19.0  # pixels from a mark to its name
_LETTER_WIDTH = 8.0


@dataclass(frozen=True)
class Point:
    """A variation at x, with its PSNR in dB and interval."""

    name: str
    colour: int
    x: float
    y: IntervalRecord


def point_chart(
    points: Sequence[Point],
    curve: Sequence[tuple[float, float]],
    *,
    layout: Layout,
    kind: Literal["log2", "log10"],
    x_title: str,
    title: str,
    description: str,
) -> Markup:
    """`points` with their intervals, and PCA's `curve` [(x, dB)] as a dashed line."""
    layout = layout.with_room_for(len(points))
    canvas = Canvas(layout.width, layout.height, kind=layout.name, title=title, description=description)
    x = Scale(*log_span([p.x for p in points] + [a for a, _ in curve]), layout.left, layout.plot_right, kind)
    ends = [end for point in points for end in (point.y.low, point.y.mean, point.y.high)]
    y = Scale(*span(ends + [b for _, b in curve], padding=0.1), layout.plot_bottom, layout.top)
    write = text.short if kind == "log10" else text.count
    ticks = [(value, write(value)) for value in x.ticks(layout.ticks)]
    canvas.axes(layout, x, y, ticks, (x_title, "Test PSNR (dB)"))
    names: list[_Name] = []
    if curve:
        canvas.polyline([(x(a), y(b)) for a, b in curve], "yardstick")
        # left of its upper end: a rising curve leaves room there
        names.append(_Name("PCA", "muted", x(curve[-1][0]), y(curve[-1][1]), right=False))
    for point in points:
        _draw_point(canvas, point, x(point.x), y)
        name, at = text.shorten(point.name, layout.label_length), x(point.x)
        right = at + _REACH + _LETTER_WIDTH * len(name) < layout.width
        names.append(_Name(name, colour_class(point.colour), at, y(point.y.mean), right=right))
    for crowd in _crowds(names):
        heights = spread([name.y for name in crowd], LINE_HEIGHT, layout.top, layout.plot_bottom - 6)
        for name, height in zip(crowd, heights, strict=True):
            _draw_name(canvas, name, height)
    return canvas.markup()


@dataclass(frozen=True)
class _Name:
    """A name to the right or left of the mark (x, y)."""

    text: str
    kind: str
    x: float
    y: float
    right: bool

    @property
    def ends(self) -> tuple[float, float]:
        """Where the name with its mark begins and ends along x."""
        reach = _REACH + _LETTER_WIDTH * len(self.text)
        return (self.x, self.x + reach) if self.right else (self.x - reach, self.x)


def _crowds(names: Sequence[_Name]) -> list[list[_Name]]:
    """Groups of names that overlap along x: they collide if their heights are too close."""
    crowds: list[list[_Name]] = []
    reached = -math.inf
    for name in sorted(names, key=lambda name: name.ends):
        begin, end = name.ends
        if begin > reached:
            crowds.append([])
        crowds[-1].append(name)
        reached = max(reached, end)
    return crowds


def _draw_point(canvas: Canvas, point: Point, at: float, y: Scale) -> None:
    colour = colour_class(point.colour)
    if math.isfinite(point.y.low) and math.isfinite(point.y.high):
        canvas.draw("line", x1=at, x2=at, y1=y(point.y.low), y2=y(point.y.high), kind=f"whisker {colour}")
    tooltip = f"{point.name}: {text.fixed(point.y.mean, 2)} dB ({text.interval(point.y, 2)})"
    canvas.draw("circle", cx=at, cy=y(point.y.mean), r=5, kind=f"mark {colour}", tooltip=tooltip)


def _draw_name(canvas: Canvas, name: _Name, height: float) -> None:
    side = 1 if name.right else -1
    canvas.polyline([(name.x + 6 * side, name.y), (name.x + 16 * side, height)], f"leader {name.kind}")
    where = "label" if name.right else "label end"
    canvas.draw("text", x=name.x + _REACH * side, y=height + 4, text=name.text, kind=f"{where} {name.kind}")
