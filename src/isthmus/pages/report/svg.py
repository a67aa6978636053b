"""A canvas that writes SVG; an XML writer escapes every text and attribute."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.etree import ElementTree

from markupsafe import Markup

from isthmus.pages.report.scales import Scale

Attribute = str | int | float

LINE_HEIGHT = 17.0
"""The height that a name beside a plot needs, in CSS pixels."""
_COLOURS = 6


@dataclass(frozen=True)
class Layout:
    """The size of a chart and the margins around its plot, in CSS pixels on the screen.

    Wide screens and phones each get their own drawing: text that shrinks with a drawing becomes too small to read.
    label_length: maximum number of characters of a name beside the plot.
    """

    name: str
    width: int
    height: int
    right: int
    label_length: int
    ticks: int
    left: int = 44
    top: int = 38
    bottom: int = 52

    @property
    def plot_right(self) -> int:
        return self.width - self.right

    @property
    def plot_bottom(self) -> int:
        return self.height - self.bottom

    def with_room_for(self, names: int) -> Layout:
        """The same layout, tall enough for `names` names below each other."""
        return replace(self, height=max(self.height, self.top + self.bottom + math.ceil(names * LINE_HEIGHT)))


WIDE = Layout("wide", 1080, 440, right=190, label_length=26, ticks=8)
HALF = Layout("wide", 530, 400, right=20, label_length=22, ticks=6)
NARROW = Layout("narrow", 354, 340, right=104, label_length=14, ticks=4)
NARROW_POINTS = Layout("narrow", 354, 340, right=14, label_length=16, ticks=5)


def colour_class(index: int) -> str:
    """The CSS class of a variation's colour; from the seventh variation on, colours repeat with dashed lines."""
    return f"c{index % _COLOURS}{' again' if index >= _COLOURS else ''}"


class Canvas:
    """An SVG being drawn: `title` names the chart, `description` says in words what it shows."""

    def __init__(self, width: int, height: int, *, kind: str, title: str, description: str) -> None:
        self._root = ElementTree.Element(
            "svg",
            {"class": f"chart {kind}", "viewBox": f"0 0 {width} {height}", "role": "img", "width": str(width)},
        )
        self.draw("title", text=title)
        self.draw("desc", text=description)

    def draw(self, tag: str, *, text: str = "", tooltip: str = "", **attributes: Attribute) -> None:
        """Add an element; `_` in an attribute's name stands for `-`, and `kind` for `class`."""
        written = {
            "class" if key == "kind" else key.rstrip("_").replace("_", "-"): _write(value)
            for key, value in attributes.items()
        }
        element = ElementTree.SubElement(self._root, tag, written)
        if tooltip:
            ElementTree.SubElement(element, "title").text = tooltip
        else:
            element.text = text or None

    def polyline(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """A line through `points` (x, y)."""
        self.draw("polyline", points=" ".join(f"{_write(x)},{_write(y)}" for x, y in points), kind=kind)

    def axes(
        self, layout: Layout, x: Scale, y: Scale, x_ticks: Sequence[tuple[float, str]], titles: tuple[str, str]
    ) -> None:
        """Grid lines, tick labels and the axis titles (x, y); the y title is horizontal, above the axis."""
        for value in y.ticks(6):
            self.draw("line", x1=layout.left, x2=layout.plot_right, y1=y(value), y2=y(value), kind="grid")
            self.draw("text", x=layout.left - 8, y=y(value) + 4, text=f"{value:g}", kind="tick end")
        for value, text in x_ticks:
            base = layout.plot_bottom
            self.draw("line", x1=x(value), x2=x(value), y1=base, y2=base + 5, kind="axis")
            self.draw("text", x=x(value), y=base + 20, text=text, kind="tick middle")
        self.draw(
            "line", x1=layout.left, x2=layout.plot_right, y1=layout.plot_bottom, y2=layout.plot_bottom, kind="axis"
        )
        self.draw("text", x=0, y=14, text=titles[1], kind="axis-title")
        self.draw("text", x=layout.plot_right, y=layout.height - 8, text=titles[0], kind="axis-title end")

    def markup(self) -> Markup:
        """The drawing, ready for a page."""
        # Safe as Markup: the XML writer has escaped all text from outside.
        return Markup(ElementTree.tostring(self._root, encoding="unicode"))


def _write(value: Attribute) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
