"""Points with whiskers over a logarithmic axis, each named beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from isthmus.report import text
from isthmus.report.scales import Scale, log_span, span, spread
from isthmus.report.schema import Interval
from isthmus.report.svg import LINE_HEIGHT, Canvas, Layout, colour_class

_CROWDED = 110.0
_LETTER_WIDTH = 8.0


@dataclass(frozen=True)
class Point:
    """A variation at x, with its PSNR in dB and interval."""

    name: str
    colour: int
    x: float
    y: Interval


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
    if curve:
        canvas.polyline([(x(a), y(b)) for a, b in curve], "yardstick")
        # Left of its upper end, where a rising curve leaves room.
        canvas.draw("text", x=x(curve[-1][0]) - 10, y=y(curve[-1][1]) + 4, text="PCA", kind="label muted end")
    for crowd in _crowds(points, x):
        heights = spread([y(p.y.mean) for p in crowd], LINE_HEIGHT, layout.top, layout.plot_bottom - 6)
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
    name = text.shorten(point.name, layout.label_length)
    right = at + 19 + _LETTER_WIDTH * len(name) < layout.width
    side = 1 if right else -1
    canvas.polyline([(at + 6 * side, y(point.y.mean)), (at + 16 * side, label_height)], f"leader {colour}")
    where = "label" if right else "label end"
    canvas.draw("text", x=at + 19 * side, y=label_height + 4, text=name, kind=f"{where} {colour}")
