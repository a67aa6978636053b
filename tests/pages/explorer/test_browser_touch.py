"""The explorer under a finger, on a screen of 390 pixels, and its bar in every look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.pages.explorer.visit import Visit, missing

pytestmark = pytest.mark.skipif(bool(missing), reason=missing or "all is here")

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LIGHT, DARK, FORCED = {"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}
PANELS = ("look", "knobs", "morph", "map", "noise", "dream")
# Everything that one taps; a radio button is its label's.
SMALL = """() => [...document.querySelectorAll("button, a[href], summary, input, label.knob input, .choice span")]
  .filter((one) => !one.matches("[type=radio], [hidden], .unseen *") && one.getClientRects().length)
  .map((one) => [one.textContent || one.getAttribute("aria-label") || one.type, one.getBoundingClientRect()])
  .filter(([, { width, height }]) => Math.min(width, height) < 40)
  .map(([name, { width, height }]) => `${name}: ${width} x ${height}`)"""

# What sticks stays, also where it belongs to a panel.
HIDE_PANELS = """([sticks, shown]) => {
  for (const panel of document.querySelectorAll("#explorer > section")) panel.style.visibility = shown;
  document.querySelector(sticks).style.visibility = "visible";
}"""


class Finger:
    """Touches as the browser gets them from a screen."""

    def __init__(self, visit: Visit) -> None:
        self.page = visit.page
        self.wire: Any = visit.context.new_cdp_session(visit.page)

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 12) -> None:
        places = [[a + (b - a) * i / steps for a, b in zip(start, end, strict=True)] for i in range(steps + 1)]
        for i, (x, y) in enumerate(places):
            kind = "touchStart" if i == 0 else "touchMove"
            self.wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        self.wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def middle(visit: Visit, selector: str) -> tuple[float, float]:
    box = visit.page.locator(selector).first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def jump(visit: Visit, panel: str) -> None:
    visit.page.evaluate(f"document.getElementById('{panel}').scrollIntoView({{ behavior: 'instant' }})")
    visit.settle()


@pytest.mark.parametrize("model", [0, 2])
def test_what_one_taps_is_40_pixels_and_nothing_scrolls_sideways(visit_at: Callable[..., Visit], model: int) -> None:
    visit = visit_at(f"#model={model}", **PHONE)
    for panel in PANELS:
        jump(visit, panel)
    visit.page.locator("#morph summary").click()
    visit.settle()
    assert visit.page.evaluate(SMALL) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 390
    assert visit.page.evaluate("innerWidth") == 390


@pytest.mark.parametrize("width", [320, 390])
def test_every_panel_of_the_bar_is_in_sight(visit_at: Callable[..., Visit], width: int) -> None:
    visit = visit_at(**{**PHONE, "viewport": {"width": width, "height": 700}})
    links = visit.page.locator(".links a").all()
    assert len(links) == 6
    for link in links:
        assert link.evaluate("one => one.scrollWidth <= one.clientWidth")
        box = link.bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
    assert (
        visit.page.evaluate(
            "(() => { const row = document.querySelector('.links'); return row.scrollWidth - row.clientWidth; })()"
        )
        == 0
    )


def test_a_finger_turns_a_knob_and_its_label_follows(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at("#panel=knobs", **PHONE)
    second = visit.page.locator("#knobs .knob input").nth(1)
    second.scroll_into_view_if_needed()
    box = second.bounding_box()
    y = box["y"] + box["height"] / 2
    Finger(visit).drag((box["x"] + box["width"] / 2, y), (box["x"] + box["width"] - 14, y))
    visit.settle()
    turns = visit.state()["turns"]["directions"]
    assert list(turns) == ["1"]
    value = visit.page.locator("#knobs .knob output span").nth(1).inner_text()
    assert visit.page.locator("#knobs .card-name").first.inner_text() == f"Direction 2 at {value}"
    assert visit.page.locator("#knobs .sweep figcaption").inner_text().startswith("Direction 2 from")


@pytest.mark.parametrize(
    ("panel", "selector"),
    [("look", "#look canvas"), ("morph", "#morph .walk"), ("map", "#map .plane"), ("dream", "#dream .thumb canvas")],
)
def test_a_finger_that_moves_up_over_a_picture_or_a_slider_scrolls_the_page(
    visit_at: Callable[..., Visit], panel: str, selector: str
) -> None:
    visit = visit_at(f"#panel={panel}", **PHONE)
    before, state = visit.page.evaluate("scrollY"), visit.state()
    x, y = middle(visit, selector)
    Finger(visit).drag((x, y), (x, y - 120))
    visit.until(f"Math.abs(scrollY - {before}) > 60")
    visit.settle()
    assert {**visit.state(), "panel": ""} == {**state, "panel": ""}


def test_a_tap_on_the_map_and_on_a_dream_chooses(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at("#panel=map", **PHONE)
    before = visit.state()["image"]
    box = visit.page.locator("#map .plane").bounding_box()
    for share in (0.3, 0.5, 0.7):
        for down in (0.3, 0.5, 0.7):
            visit.page.touchscreen.tap(box["x"] + share * box["width"], box["y"] + down * box["height"])
    visit.settle()
    assert visit.state()["image"] != before
    jump(visit, "dream")
    visit.page.locator("#dream .thumb").nth(2).tap()
    visit.until("isthmus.state().panel === 'knobs'")
    assert visit.state()["drawn"] == {"seed": 1, "place": 2}


@pytest.mark.parametrize(
    ("width", "look"),
    [
        *((1280, LIGHT), (390, DARK), (390, FORCED)),
        *(pytest.param(*rest, marks=pytest.mark.slow) for rest in ((390, LIGHT), (1280, DARK), (1280, FORCED))),
    ],
)
def test_nothing_shines_through_what_sticks(visit_at: Callable[..., Visit], look: dict[str, str], width: int) -> None:
    """The bar, and on phones the pictures of the knobs below it, look the same with and without a page behind them."""
    visit = visit_at("#panel=knobs", viewport={"width": width, "height": 800}, reduced_motion="reduce", **look)
    for below in (90, 213, 331, 404):
        visit.page.evaluate(f"scrollTo(0, document.getElementById('knobs').offsetTop + {below})")
        visit.settle()
        sticks = ".bar" if width == 1280 else ".knobs-pictures"
        bottom = visit.page.evaluate(f"document.querySelector('{sticks}').getBoundingClientRect().bottom")
        clip = {"x": 0, "y": 0, "width": width, "height": int(bottom)}
        shots = []
        for shown in ("visible", "hidden"):
            visit.page.evaluate(HIDE_PANELS, [sticks, shown])
            shots.append(visit.page.screenshot(clip=clip))
        assert shots[0] == shots[1], below
