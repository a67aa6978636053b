"""The three kinds of chart: a difference with its whisker, lines over time, points with whiskers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from isthmus.report import text
from isthmus.report.scales import Scale, log_span, span, spread
from isthmus.report.schema import Interval
from isthmus.report.svg import Canvas, Layout

COLOURS = 6
_STRIP = (340, 60)
_VALUE_WIDTH = 78.0
_CROWDED = 110.0
_LINE_HEIGHT = 17.0


@dataclass(frozen=True)
class Line:
    """A variation's curve, [(x, PSNR in dB)]: `main` the mean over seeds, `seeds` each seed's own."""

    name: str
    colour: int
    main: Sequence[tuple[float, float]]
    seeds: Sequence[Sequence[tuple[float, float]]] = ()


@dataclass(frozen=True)
class Level:
    """A horizontal yardstick at `y` dB."""

    name: str
    y: float


@dataclass(frozen=True)
class Point:
    """A variation at x, with its PSNR in dB and interval."""

    name: str
    colour: int
    x: float
    y: Interval


def colour_class(index: int) -> str:
    """The class that gives a variation its colour; from the seventh on, colours return dashed."""
    return f"c{index % COLOURS}{' again' if index >= COLOURS else ''}"


def difference_strip(difference: Interval, tone: str, domain: tuple[float, float], title: str) -> Markup:
    """A dot with a whisker on an axis in dB that all strips of a page share, zero marked."""
    width, height = _STRIP
    canvas = Canvas(width, height, kind=f"strip {tone}", title=title, description="Dot: mean. Whisker: 95 % interval.")
    x = Scale(*domain, 14, width - 14)
    canvas.draw("line", x1=14, x2=width - 14, y1=40, y2=40, kind="axis")
    for value in x.ticks(5):
        canvas.draw("line", x1=x(value), x2=x(value), y1=40, y2=44, kind="axis")
        canvas.draw("text", x=x(value), y=57, text=text.signed_tick(value), kind="tick middle")
    canvas.draw("line", x1=x(0), x2=x(0), y1=4, y2=40, kind="zero")
    low, mean, high = x(difference.low), x(difference.mean), x(difference.high)
    canvas.draw("line", x1=low, x2=high, y1=22, y2=22, kind="whisker")
    for end in (low, high):
        canvas.draw("line", x1=end, x2=end, y1=14, y2=30, kind="cap")
    canvas.draw("circle", cx=mean, cy=22, r=4.5, kind="mark")
    # Away from zero, so that the text does not cross its line, unless it would leave the drawing there.
    outward = high + _VALUE_WIDTH < width if difference.mean >= 0 else low < _VALUE_WIDTH
    at, side = (high + 10, "value") if outward else (low - 10, "value end")
    canvas.draw("text", x=at, y=26.5, text=f"{text.signed(difference.mean, 2)} dB", kind=side)
    return canvas.markup()


def line_chart(
    lines: Sequence[Line], levels: Sequence[Level], *, layout: Layout, x_title: str, title: str, description: str
) -> Markup:
    """Curves from x = 0, each named at its right end; yardsticks dashed."""
    canvas = Canvas(layout.width, layout.height, kind=layout.name, title=title, description=description)
    every = [point for line in lines for one in (line.main, *line.seeds) for point in one]
    x = Scale(0, max((point[0] for point in every), default=1) or 1, layout.left, layout.plot_right)
    y_range = span([point[1] for point in every] + [level.y for level in levels])
    y = Scale(*y_range, layout.plot_bottom, layout.top)
    ticks = [(value, f"{value:,g}") for value in x.ticks(layout.ticks)]
    canvas.axes(layout, x, y, ticks, (x_title, "Validation PSNR (dB)"))
    labels: list[tuple[str, str, float, float]] = []
    for level in levels:
        canvas.draw("line", x1=layout.left, x2=layout.plot_right, y1=y(level.y), y2=y(level.y), kind="yardstick")
        labels.append((level.name, "muted", layout.plot_right, y(level.y)))
    for line in lines:
        colour = colour_class(line.colour)
        for seed in line.seeds:
            canvas.polyline([(x(a), y(b)) for a, b in seed], f"thin {colour}")
        canvas.polyline([(x(a), y(b)) for a, b in line.main], f"line {colour}")
        if line.main:
            end_x, end_y = x(line.main[-1][0]), y(line.main[-1][1])
            canvas.draw("circle", cx=end_x, cy=end_y, r=3.5, kind=f"mark {colour}")
            labels.append((line.name, colour, end_x, end_y))
    heights = spread([label[3] for label in labels], _LINE_HEIGHT, layout.top, layout.plot_bottom)
    for (name, colour, end_x, end_y), height in zip(labels, heights, strict=True):
        canvas.polyline([(end_x + 5, end_y), (layout.plot_right + 10, height)], f"leader {colour}")
        shown = text.shorten(name, layout.label_length)
        canvas.draw("text", x=layout.plot_right + 14, y=height + 4, text=shown, kind=f"label {colour}")
    return canvas.markup()


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
    """Points with whiskers over a logarithmic x axis, each named beside it; `curve` is PCA's line."""
    canvas = Canvas(layout.width, layout.height, kind=layout.name, title=title, description=description)
    x = Scale(*log_span([p.x for p in points] + [a for a, _ in curve]), layout.left, layout.plot_right, kind)
    ends = [end for point in points for end in (point.y.low, point.y.mean, point.y.high)]
    y = Scale(*span(ends + [b for _, b in curve], padding=0.1), layout.plot_bottom, layout.top)
    write = text.short if kind == "log10" else text.count
    ticks = [(value, write(value)) for value in x.ticks(layout.ticks)]
    canvas.axes(layout, x, y, ticks, (x_title, "Test PSNR (dB)"))
    if curve:
        canvas.polyline([(x(a), y(b)) for a, b in curve], "yardstick")
        middle = curve[len(curve) // 2]
        canvas.draw("text", x=x(middle[0]) - 8, y=y(middle[1]) - 8, text="PCA", kind="label muted end")
    for crowd in _crowds(points, x):
        heights = spread([y(p.y.mean) for p in crowd], _LINE_HEIGHT, layout.top, layout.plot_bottom - 6)
        for point, height in zip(crowd, heights, strict=True):
            _draw_point(canvas, point, x(point.x), y, height, layout)
    return canvas.markup()


def _crowds(points: Sequence[Point], x: Scale) -> list[list[Point]]:
    """Points so near to each other along x that their names could overlap."""
    crowds: list[list[Point]] = []
    for point in sorted(points, key=lambda point: point.x):
        if crowds and x(point.x) - x(crowds[-1][-1].x) < _CROWDED:
            crowds[-1].append(point)
        else:
            crowds.append([point])
    return crowds


def _draw_point(canvas: Canvas, point: Point, at: float, y: Scale, label_height: float, layout: Layout) -> None:
    colour = colour_class(point.colour)
    if math.isfinite(point.y.low) and math.isfinite(point.y.high):
        canvas.draw("line", x1=at, x2=at, y1=y(point.y.low), y2=y(point.y.high), kind=f"whisker {colour}")
    tooltip = f"{point.name}: {text.fixed(point.y.mean, 2)} dB ({text.interval(point.y, 2)})"
    canvas.draw("circle", cx=at, cy=y(point.y.mean), r=5, kind=f"mark {colour}", tooltip=tooltip)
    right = at < (layout.left + layout.plot_right) / 2
    side = 1 if right else -1
    canvas.polyline([(at + 6 * side, y(point.y.mean)), (at + 16 * side, label_height)], f"leader {colour}")
    name = text.shorten(point.name, layout.label_length)
    where = "label" if right else "label end"
    canvas.draw("text", x=at + 19 * side, y=label_height + 4, text=name, kind=f"{where} {colour}")
