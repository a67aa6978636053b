"""The report in a real browser: words open where they stand, by mouse, key, finger, without script; contents stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pages.explorer.conftest import browser  # noqa: F401 - a fixture
from tests.pages.explorer.visit import CHROMIUM, NEEDED
from tests.pages.report.builder import build_study

from isthmus.pages.report import write_study_report

if CHROMIUM is None and NEEDED:
    raise RuntimeError("ISTHMUS_NEED_BROWSER is set, and no Chromium is here")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = build_study(tmp_path_factory.mktemp("browser") / "demo")
    return write_study_report(folder).as_uri()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Any]:  # noqa: F811
    """Opens the page in a browser of the given kind; whatever it complains about fails the test."""
    contexts: list[Any] = []
    said: list[str] = []

    def opened(**kind: Any) -> Any:
        contexts.append(browser.new_context(**kind))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("script", [True, False])
def test_a_word_opens_its_line_and_closes_it(visit: Any, script: bool) -> None:
    page = visit(viewport=WIDE, java_script_enabled=script)
    line = page.locator("#word-psnr")
    assert not line.is_visible()
    page.locator('#limits .word[popovertarget="word-psnr"]').first.click()  # "PSNR" or "dB"
    assert line.is_visible()
    assert "in decibels" in line.inner_text()
    page.keyboard.press("Escape")
    assert not line.is_visible()


def test_a_key_opens_it(visit: Any) -> None:
    page = visit(viewport=WIDE)
    page.locator("#scores .ask").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#word-psnr").is_visible()


def test_a_finger_opens_it_within_the_screen(visit: Any) -> None:
    page = visit(viewport=NARROW, has_touch=True, is_mobile=True)
    for word in page.locator("#findings .word").all():
        word.scroll_into_view_if_needed()
        word.tap()
        box = page.locator(f"#{word.get_attribute('popovertarget')}").bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"]
        page.keyboard.press("Escape")


def test_sorting_leaves_the_explanation_of_a_heading_alone(visit: Any) -> None:
    page = visit(viewport=WIDE)
    heading = page.locator("#scores th", has_text="SSIM")
    heading.locator(".ask").click()
    assert page.locator("#word-ssim").is_visible()
    assert heading.get_attribute("aria-sort") is None
    page.keyboard.press("Escape")
    heading.locator("button:not(.ask)").click()
    assert heading.get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_contents_stay_in_sight_and_show_where_one_is(visit: Any, size: dict[str, int]) -> None:
    page = visit(viewport=size)
    for name, title in (("limits", "Limits"), ("training", "Training")):
        page.evaluate(f"document.getElementById('{name}').scrollIntoView()")
        link = page.locator(f"nav.contents a[aria-current]:text-is('{title}')")
        link.wait_for()
        box = link.bounding_box()
        assert box["y"] >= 0 and box["x"] >= 0 and box["x"] + box["width"] <= size["width"]
        assert box["height"] >= 40, "large enough for a finger"
        below = page.locator("nav.contents").bounding_box()
        assert page.locator(f"#{name} h2").bounding_box()["y"] >= below["y"] + below["height"]
    page.locator("nav.contents a").first.click()
    assert abs(page.locator("#findings").bounding_box()["y"]) < 100


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_nothing_is_wider_than_the_screen(visit: Any, size: dict[str, int]) -> None:
    page = visit(viewport=size)
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
