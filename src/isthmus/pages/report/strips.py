"""A small drawing of a difference and its interval: a dot with a whisker and a mark at zero."""

from __future__ import annotations

from markupsafe import Markup

from isthmus.pages.report import text
from isthmus.pages.report.scales import Scale
from isthmus.pages.report.svg import Canvas
from isthmus.run_files.scores import IntervalRecord

_SIZE = (340, 60)
_VALUE_WIDTH = 78.0


def difference_strip(difference: IntervalRecord, tone: str, domain: tuple[float, float], title: str) -> Markup:
    """A dot with a whisker and a mark at zero, on an axis in dB that all strips of a page share."""
    width, height = _SIZE
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
    # Place the text on the side away from zero, so that it does not cross the zero line. If it would leave the
    # drawing there, place it on the other side of the whisker, or beyond zero if there is too little room between.
    outward = high + _VALUE_WIDTH < width if difference.mean >= 0 else low < _VALUE_WIDTH
    at, side = (high + 10, "value") if outward else (low - 10, "value end")
    if side == "value end" and at - _VALUE_WIDTH < x(0) < at:
        at = x(0) - 6
    elif side == "value" and at < x(0) < at + _VALUE_WIDTH:
        at = x(0) + 6
    y = 26.5
    if at - _VALUE_WIDTH < 0 if side == "value end" else at + _VALUE_WIDTH > width:  # the whisker fills the drawing
        y, right = 11, x(0) + 6 + _VALUE_WIDTH <= width
        at, side = (x(0) + 6, "value") if right else (x(0) - 6, "value end")
    canvas.draw("text", x=at, y=y, text=f"{text.signed(difference.mean, 2)} dB", kind=side)
    return canvas.markup()
