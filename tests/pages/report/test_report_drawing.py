"""Numbers as text, positions on charts, and pixels as pictures."""

from __future__ import annotations

import base64
import io
import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio
from tests.pages.report.builder import blur, draw_images

from isthmus.pages.report import text
from isthmus.pages.report.pictures import (
    ERROR_LIMIT,
    error_colours,
    error_map_uri,
    picture_uri,
    png_uri,
    psnr,
    shown_size,
)
from isthmus.pages.report.point_chart import Point, point_chart
from isthmus.pages.report.scales import Scale, log_span, span, spread
from isthmus.pages.report.strips import difference_strip
from isthmus.pages.report.svg import HALF, LINE_HEIGHT, NARROW, NARROW_POINTS
from isthmus.run_files.scores import IntervalRecord


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (text.fixed(16.853, 2), "16.85"),
        (text.fixed(-0.001, 2), "0.00"),
        (text.fixed(-1.5, 1), "−1.5"),
        (text.fixed(math.nan, 2), "–"),
        (text.fixed(math.inf, 2), "∞"),
        (text.signed(0.12, 2), "+0.12"),
        (text.signed(-0.12, 2), "−0.12"),
        (text.signed(0.001, 2), "0.00"),
        (text.signed_tick(-0.5), "−0.5"),
        (text.signed_tick(0.0), "0"),
        (text.count(311181), "311,181"),
        (text.count(11.5), "11.5"),
        (text.count(None), "–"),
        (text.short(44_000_000), "44 M"),
        (text.short(1_234_567_890), "1.23 G"),
        (text.short(999_999), "1 M"),
        (text.short(12), "12"),
        (text.duration(8.52), "8.5 s"),
        (text.duration(59.97), "1 min 00 s"),
        (text.duration(512.3), "8 min 32 s"),
        (text.duration(4310), "1 h 11 min"),
        (text.duration(math.nan), "–"),
        (text.interval(IntervalRecord(mean=1, low=0.9, high=1.1), 2), "0.90 to 1.10"),
        (text.interval(IntervalRecord(), 2), ""),
        (text.listing(["a"]), "a"),
        (text.listing(["a", "b", "c"]), "a, b and c"),
        (text.listing([]), ""),
        (text.shorten("a-long-name", 7), "a-long…"),
    ],
)
def test_numbers_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected


def test_nested_facts_become_dotted_rows() -> None:
    nested = {"versions": {"torch": "2.13"}, "threads": 2, "tf32": False, "seeds": [0, 1], "commit": None}
    rows = list(text.flatten(nested))
    assert rows == [("versions.torch", "2.13"), ("threads", "2"), ("tf32", "false"), ("seeds", "0, 1")]


@given(low=st.floats(-1e6, 1e6), width=st.floats(1e-3, 1e6), count=st.integers(2, 10))
def test_linear_ticks_are_inside_even_and_few(low: float, width: float, count: int) -> None:
    ticks = Scale(low, low + width, 0, 100).ticks(count)
    assert 1 <= len(ticks) <= count
    slack = 1e-9 * (abs(low) + width)
    assert all(low - slack <= tick <= low + width + slack for tick in ticks)


@given(
    low=st.floats(1e-2, 1e9),
    ratio=st.floats(1.7, 1e6),
    count=st.integers(3, 8),
    kind=st.sampled_from(["log2", "log10"]),
)
def test_log_ticks_are_inside_and_few(low: float, ratio: float, count: int, kind: str) -> None:
    ticks = Scale(low, low * ratio, 0, 100, kind).ticks(count)  # pyright: ignore[reportArgumentType]
    assert len(ticks) <= count
    slack = 1e-9 * low * ratio  # where no two powers fit, the steps are linear, and 17 of 0.1 are more than 1.7
    assert all(low - slack <= tick <= low * ratio + slack for tick in ticks)


def test_a_log_scale_puts_equal_ratios_at_equal_distances() -> None:
    scale = Scale(1, 16, 0, 100, "log2")
    assert [scale(value) for value in (1, 2, 4, 8, 16)] == pytest.approx([0, 25, 50, 75, 100])


def test_spans_are_never_empty() -> None:
    assert span([3.0, math.nan, 3.0]) == (2.5, 3.5)
    assert span([]) == (0.0, 1.0)
    low, high = log_span([10.0])
    assert low < 10 < high


@given(st.lists(st.floats(0, 300), min_size=1, max_size=12))
def test_names_keep_their_distance_and_order(wanted: list[float]) -> None:
    placed = spread(wanted, 17, 0, 300)
    in_order = [placed[item] for item in sorted(range(len(wanted)), key=lambda item: wanted[item])]
    assert all(below - above >= 17 - 1e-9 for above, below in itertools.pairwise(in_order))
    assert max(placed) <= 300


@pytest.mark.parametrize("count", [3, 60])
def test_a_chart_is_as_tall_as_its_names_need(count: int) -> None:
    layout = NARROW.with_room_for(count)
    wanted = [layout.plot_bottom] * count
    heights = sorted(spread(wanted, LINE_HEIGHT, layout.top, layout.plot_bottom))
    assert heights[0] >= layout.top - 1
    assert layout.height == NARROW.height or count == 60


def test_a_strip_puts_the_dot_between_the_ends_of_its_whisker() -> None:
    difference = IntervalRecord(mean=8.0, low=7.5, high=8.5)
    drawn = str(difference_strip(difference, "better", (-6.0, 10.0), "a beats b"))
    dot = float(re.search(r'cx="([\d.]+)"', drawn).group(1))
    low, high = map(float, re.search(r'<line x1="([\d.]+)" x2="([\d.]+)"[^>]*class="whisker"', drawn).groups())
    zero = float(re.search(r'<line x1="([\d.]+)"[^>]*class="zero"', drawn).group(1))
    assert zero < low < dot < high
    assert dot - low == pytest.approx(high - dot, abs=0.2)


@pytest.mark.parametrize("mean", [-14.57, -1.0, 1.0, 14.57])
def test_the_value_of_a_strip_stays_inside_the_drawing(mean: float) -> None:
    """Also where the whisker leaves no room beside it."""
    interval = IntervalRecord(mean=mean, low=mean - 32, high=mean + 32)
    drawn = str(difference_strip(interval, "even", (-48.0, 48.0), "a against b"))
    x, side = re.search(r'<text x="([\d.-]+)"[^>]*class="(value[^"]*)"', drawn).groups()
    begins = float(x) - (78 if side == "value end" else 0)
    assert 0 <= begins <= 340 - 78


@pytest.mark.parametrize("layout", [HALF, NARROW_POINTS])
def test_points_and_their_names_stay_inside_the_drawing(layout: object) -> None:
    points = [Point(f"model-{i}", i, 2.0**i, IntervalRecord(mean=10 + i, low=9 + i, high=11 + i)) for i in range(1, 11)]
    drawn = str(point_chart(points, (), layout=layout, kind="log2", x_title="x", title="t", description="d"))
    for x, y in re.findall(r'<circle cx="([\d.-]+)" cy="([\d.-]+)"', drawn):
        assert 0 <= float(x) <= layout.width
        assert 0 <= float(y) <= layout.height
    assert drawn.count("<title>model-") == len(points)


@pytest.mark.parametrize("layout", [HALF, NARROW_POINTS])
@pytest.mark.parametrize("sizes", [(512, 512, 10), (50, 85, 40), (1, 2, 3, 4, 5, 6)])
def test_names_of_points_never_lie_on_each_other(layout: object, sizes: tuple[int, ...]) -> None:
    points = [Point(f"many-layers-{i}", i, x, IntervalRecord(mean=36, low=35, high=37)) for i, x in enumerate(sizes)]
    curve = [(min(sizes), 20.0), (max(sizes), 36.0)]
    drawn = str(point_chart(points, curve, layout=layout, kind="log2", x_title="x", title="t", description="d"))
    boxes: list[tuple[float, float, float]] = []
    for x, y, kind, name in re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="(label[^"]*)">([^<]+)<', drawn):
        width = 8 * len(name)
        begin = float(x) - width if " end" in kind else float(x)
        boxes.append((begin, begin + width, float(y)))
    assert len(boxes) == len(points) + 1
    for one, other in itertools.combinations(boxes, 2):
        assert one[1] <= other[0] or other[1] <= one[0] or abs(one[2] - other[2]) >= LINE_HEIGHT - 0.2


def decode(uri: str) -> np.ndarray:
    prefix, data = uri.split(",")
    assert prefix in ("data:image/png;base64", "data:image/webp;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).transpose(2, 0, 1)


def test_a_picture_holds_exactly_its_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    for made in (image, image[:1], smooth(32), smooth(70)[:1]):
        for uri in (picture_uri(made), png_uri(made)):
            assert np.array_equal(decode(uri), np.broadcast_to(made, (3, *made.shape[1:])))


def test_a_page_holds_each_picture_in_the_smaller_form() -> None:
    photo, plain = smooth(64), np.zeros((3, 64, 64), np.uint8)
    assert picture_uri(photo).startswith("data:image/webp") and len(picture_uri(photo)) < 0.9 * len(png_uri(photo))
    assert all(len(picture_uri(picture)) <= len(png_uri(picture)) for picture in (photo, plain))
    assert png_uri(photo).startswith("data:image/png"), "for notebooks"


def test_a_picture_too_large_for_webp_is_png() -> None:
    assert picture_uri(np.zeros((1, 16384, 2), np.uint8)).startswith("data:image/png")


def smooth(side: int) -> np.ndarray:
    """(3, side, side), like a photograph: neighbouring pixels are similar."""
    coarse = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side))).transpose(2, 0, 1)


def test_error_maps_share_one_scale_that_saturates() -> None:
    black = np.zeros((3, 2, 2), np.uint8)
    output = black.copy()
    output[:, 0, 1] = (10, 20, 30)
    output[:, 1, 0] = ERROR_LIMIT
    output[:, 1, 1] = 255
    shown = decode(error_map_uri(black, output))
    colours = error_colours()
    assert np.array_equal(shown[:, 0, 0], colours[0])
    assert np.array_equal(shown[:, 0, 1], colours[20])
    assert np.array_equal(shown[:, 1, 0], colours[ERROR_LIMIT])
    assert np.array_equal(shown[:, 1, 1], colours[ERROR_LIMIT])


def test_the_error_scale_gets_lighter_all_the_way() -> None:
    luminance = error_colours() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > 0).all()


def test_psnr_agrees_with_scikit_image() -> None:
    original = draw_images(3)
    for one, other in zip(original, blur(original, 2.0), strict=True):
        assert psnr(one, other) == pytest.approx(peak_signal_noise_ratio(one, other, data_range=255))
    assert psnr(original[0], original[0]) == pytest.approx(10 * math.log10(255**2 * original[0].size))


@pytest.mark.parametrize(("side", "shown"), [(8, 64), (28, 56), (32, 64), (48, 48), (96, 96)])
def test_small_images_are_enlarged_by_whole_numbers(side: int, shown: int) -> None:
    assert shown_size(np.zeros((3, side, side), np.uint8)) == (shown, shown)
