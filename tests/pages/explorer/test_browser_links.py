"""Links to the explorer: where they lead, and whether the reader's own picture goes with them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from tests.pages.explorer.visit import Visit, missing

pytestmark = pytest.mark.skipif(bool(missing), reason=missing or "all is here")

# what a panel shows when all of it is drawn
DRAWN = {
    "knobs": "#knobs .knobs-pictures .painted",
    "morph": "#morph .strip .painted",
    "map": "#map .near-row .painted",
    "noise": "#noise .lineup .painted",
    "dream": "#dream .dreams .painted",
}
# Notes what is drawn at the moment when the page says that it is ready. Safari has no scroll anchoring, so it is off.
WATCH = """
document.addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "* { overflow-anchor: none }";
  document.head.append(style);
  new MutationObserver(() => {
    window.drawn ??= {
      look: document.querySelectorAll("#look .card:not(:first-child) .painted").length,
      panel: document.querySelectorAll(SELECTOR).length,
    };
  }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-ready"] });
});
"""
COPIES = "navigator.clipboard.writeText = async (text) => { window.copied = text; };"
COPIES_NOTHING = "navigator.clipboard.writeText = async () => { throw new Error('refused'); };"


def top_of(visit: Visit, panel: str) -> float:
    return visit.page.evaluate(f"document.getElementById('{panel}').getBoundingClientRect().top")


def bar_of(visit: Visit) -> float:
    return visit.page.evaluate("document.querySelector('.bar').getBoundingClientRect().bottom")


def give_picture(visit: Visit) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), (200, 30, 30)).save(buffer, format="PNG")
    visit.drop(buffer.getvalue(), "mine.png")


def share(visit: Visit, choice: str) -> None:
    visit.page.locator(".share").click()
    visit.page.get_by_role("dialog").get_by_role("button", name=choice).click()
    visit.page.get_by_role("dialog").wait_for(state="detached")


@pytest.mark.parametrize(
    ("panel", "width"),
    [
        *(("knobs", 390), ("map", 1280), ("dream", 390)),
        *(pytest.param(panel, width, marks=pytest.mark.slow) for panel in DRAWN for width in (390, 1280)),
    ],
)
def test_a_link_shows_its_panel_first_and_stays_there(visit_at: Callable[..., Visit], panel: str, width: int) -> None:
    script = WATCH.replace("SELECTOR", repr(DRAWN[panel]))
    visit = visit_at(f"#panel={panel}&model=1", script=script, viewport={"width": width, "height": 800})
    drawn = visit.page.evaluate("drawn")
    assert drawn["look"] == 0
    assert drawn["panel"] == visit.page.locator(DRAWN[panel]).count()
    visit.settle()
    assert bar_of(visit) <= top_of(visit, panel) <= bar_of(visit) + 40
    assert visit.page.evaluate("document.activeElement.id") == f"{panel}-title"
    assert visit.page.locator("#look .card:not(:first-child) .painted").count() > 0
    assert visit.state()["panel"] == panel


def test_a_link_pasted_into_an_open_page_goes_to_its_panel(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at(reduced_motion="reduce")
    visit.page.evaluate("location.hash = '#panel=noise&noise=pepper.20.5'")
    visit.until("document.getElementById('noise').getBoundingClientRect().top < 150")
    assert visit.state()["noise"] == {"kind": "pepper", "strength": 20, "seed": 5}


def test_a_link_in_the_bar_opened_in_another_tab_leads_to_its_panel(visit_at: Callable[..., Visit]) -> None:
    link = visit_at().page.locator(".links a", has_text="Map").get_attribute("href")
    assert visit_at(link).state()["panel"] == "map"


def test_a_link_to_knobs_and_codes_that_are_not_there_turns_nothing(visit_at: Callable[..., Visit]) -> None:
    for model, name in ((0, "Nothing turned yet"), (2, "No code changed yet")):
        visit = visit_at(f"#panel=knobs&model={model}&turn=500:1&number=900:2&code=5000:1,3:999,2:1.5")
        assert visit.page.locator("#knobs .card-name").first.inner_text() == name
        assert visit.page.locator("html[data-failed]").count() == 0


def test_the_address_never_holds_the_readers_picture_and_a_reload_keeps_it(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at()
    give_picture(visit)
    visit.page.keyboard.press("2")
    visit.until("location.hash.includes('panel=knobs')")
    assert "own" not in visit.page.evaluate("location.hash")
    before = visit.state()["image"]
    assert before["kind"] == "own"
    visit.page.reload()
    visit.wait()
    assert visit.state()["image"] == before
    visit.page.keyboard.press("]")
    visit.until("history.state && !history.state.own")
    visit.page.reload()
    visit.wait()
    assert visit.state()["image"] == {"kind": "shown", "place": 0}


@pytest.mark.parametrize(("choice", "goes"), [("Copy with the picture", True), ("Copy without the picture", False)])
def test_the_reader_chooses_whether_a_picture_goes_into_the_link(
    visit_at: Callable[..., Visit], choice: str, goes: bool
) -> None:
    visit = visit_at(script=COPIES)
    assert visit.page.locator(".share").inner_text() == "Copy link"
    give_picture(visit)
    assert visit.page.locator(".share").inner_text() == "Copy link…"
    visit.page.locator(".share").click()
    dialog = visit.page.get_by_role("dialog")
    assert "can carry your picture" in dialog.inner_text()
    assert dialog.locator("canvas.painted").count() == 1
    assert visit.page.evaluate("window.copied") is None
    visit.page.keyboard.press("Escape")
    assert visit.page.evaluate("window.copied") is None
    share(visit, choice)
    said = visit.page.locator(".share").inner_text()
    assert said == choice.replace("Copy", "Copied")
    link = visit.page.evaluate("copied")
    assert ("own." in link) == goes
    again = visit_at("#" + link.partition("#")[2])
    assert (again.state()["image"]["kind"] == "own") == goes
    below = again.page.locator("#look .card-lines").first.inner_text()
    assert below.startswith(
        "the picture from the link"
        if goes
        else again.page.locator("#look .thumb").first.get_attribute("title").split(",")[0]
    )


def test_nothing_is_asked_once_a_picture_of_the_page_is_chosen(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at(script=COPIES)
    give_picture(visit)
    visit.page.keyboard.press("]")
    visit.page.locator(".share").click()
    visit.until("window.copied !== undefined")
    assert visit.page.get_by_role("dialog").count() == 0
    assert "own." not in visit.page.evaluate("copied")


def test_without_a_clipboard_the_link_is_shown(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at(script=COPIES_NOTHING)
    visit.page.keyboard.press("]")
    visit.page.locator(".share").click()
    field = visit.page.get_by_role("dialog").get_by_label("The link")
    assert field.input_value().endswith("#image=shown.1")
    assert visit.page.evaluate("getSelection().toString()") == field.input_value()
