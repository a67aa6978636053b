"""Curves over steps or time, each with its name at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from isthmus.pages.report import text
from isthmus.pages.report.scales import Scale, span, spread
from isthmus.pages.report.svg import LINE_HEIGHT, Canvas, Layout, colour_class


@dataclass(frozen=True)
class Line:
    """A variation's curve, [(x, PSNR in dB)]: `main` the mean over seeds, `seeds` each seed's own."""

    name: str
    colour: int
    main: Sequence[tuple[float, float]]
    seeds: Sequence[Sequence[tuple[float, float]]] = ()


@dataclass(frozen=True)
class Level:
    """A horizontal line of a baseline at `y` dB."""

    name: str
    y: float


def line_chart(
    lines: Sequence[Line], levels: Sequence[Level], *, layout: Layout, x_title: str, title: str, description: str
) -> Markup:
    """Curves from x = 0, each with its name at its right end; baselines are dashed."""
    layout = layout.with_room_for(len(lines) + len(levels))
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
    heights = spread([label[3] for label in labels], LINE_HEIGHT, layout.top, layout.plot_bottom)
    for (name, colour, end_x, end_y), height in zip(labels, heights, strict=True):
        canvas.polyline([(end_x + 5, end_y), (layout.plot_right + 10, height)], f"leader {colour}")
        shown = text.shorten(name, layout.label_length)
        canvas.draw("text", x=layout.plot_right + 14, y=height + 4, text=shown, kind=f"label {colour}")
    return canvas.markup()
