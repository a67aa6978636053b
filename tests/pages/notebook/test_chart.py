"""`isthmus.chart` draws each value at its place, and says in one sentence what it cannot draw."""

from __future__ import annotations

import base64
import re
from typing import Any
from xml.etree import ElementTree

import pytest

import isthmus as ist
from isthmus.run_files.scores import IntervalRecord


def elements(chart: Any, tag: str) -> list[dict[str, str]]:
    return [dict(one.attrib) for one in ElementTree.fromstring(chart.svg).iter(f"{{http://www.w3.org/2000/svg}}{tag}")]


def test_points_lie_from_left_to_right_and_higher_values_higher() -> None:
    made = ist.chart({"one": {4: 3.0, 1: 1.0, 2: 2.0}}, x_scale="log2")
    assert repr(made) == "Chart(one: 3 points)"
    x, y = ([float(point[axis]) for point in elements(made, "circle")] for axis in ("cx", "cy"))
    assert x == sorted(x) and y == sorted(y, reverse=True)
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2), "each doubling is as wide"
    linear = [float(point["cx"]) for point in elements(ist.chart({"one": {4: 3.0, 1: 1.0, 2: 2.0}}), "circle")]
    assert linear[2] - linear[1] == pytest.approx(2 * (linear[1] - linear[0]), abs=0.3)


def test_an_interval_is_a_bar_from_its_low_end_to_its_high_end() -> None:
    """Three numbers and an interval of an evaluation are drawn alike; a number alone has no bar."""
    interval = IntervalRecord(mean=2.0, low=1.0, high=4.0)
    made = ist.chart({"record": {1: interval}, "numbers": {1: (2.0, 1.0, 4.0)}, "alone": {1: 3.0}})
    bars = [line for line in elements(made, "line") if line["x1"] == line["x2"]]
    assert len(bars) == 2 and bars[0]["y1"] == bars[1]["y1"] and bars[0]["y2"] == bars[1]["y2"]
    first, _, alone = elements(made, "circle")
    assert float(bars[0]["y2"]) < float(alone["cy"]) < float(first["cy"]) < float(bars[0]["y1"])


def test_the_picture_says_its_numbers_in_words_and_escapes_names() -> None:
    made = ist.chart({"<b>": {8: 16.78}}, x="numbers", y="PSNR, dB")
    html = made._repr_html_()  # pyright: ignore[reportPrivateUsage]
    assert "<b>" not in html and "PSNR, dB against numbers. &lt;b&gt;: 16.78 at 8" in html
    (source,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert base64.b64decode(source).decode() == made.svg


@pytest.mark.parametrize(
    ("lines", "more", "said"),
    [
        ({}, {}, "there are 0; give 1 to 4"),
        ({name: {1: 1} for name in "abcde"}, {}, "there are 5; give 1 to 4"),
        ({"a": {}}, {}, "'a' has no points"),
        ({"a": {1: "much"}}, {}, "'a' has 'much' at 1; give numbers"),
        ({"a": {1: float("nan")}}, {}, "'a' has nan at 1; give numbers"),
        ({"a": {1: (1, 2)}}, {}, r"at 1; give numbers, or \(mean, low, high\)"),
        ({"a": {0: 1}}, {"x_scale": "log2"}, "x_scale: 'log2' needs values above 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(lines: dict[str, Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(ist.InputError, match=said):
        ist.chart(lines, **more)
