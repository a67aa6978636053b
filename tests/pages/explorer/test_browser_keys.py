"""The explorer by keyboard: its help, each panel, and the introduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.pages.explorer.visit import Visit, missing

pytestmark = pytest.mark.skipif(bool(missing), reason=missing or "all is here")

# As some browsers do for files that are opened from a disk.
NO_STORAGE = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied') } });"


def press(visit: Visit, *keys: str) -> None:
    for key in keys:
        visit.page.keyboard.press(key)
    visit.settle()


def focused(visit: Visit) -> Any:
    return visit.page.evaluate(
        "document.activeElement.textContent || document.activeElement.getAttribute('aria-label')"
    )


def test_a_question_mark_opens_the_keys_and_escape_goes_back_to_where_one_was(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at()
    visit.page.locator(".share").focus()
    press(visit, "?")
    dialog = visit.page.get_by_role("dialog", name="Keys")
    assert dialog.evaluate("one => one.contains(document.activeElement)")
    press(visit, "?", "d")
    assert visit.page.get_by_role("dialog").count() == 1
    assert visit.state()["dream"] == 1
    press(visit, "Escape")
    assert visit.page.get_by_role("dialog").count() == 0
    assert focused(visit) == "Copy link"
    visit.page.get_by_role("button", name="Keys").click()
    assert visit.page.get_by_role("dialog").count() == 1


def test_every_key_of_the_list_does_something(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at("#panel=noise", reduced_motion="reduce")
    press(visit, "?")
    listed = visit.page.locator("dialog .keys").first.locator("kbd").all_inner_texts()
    press(visit, "Escape")
    assert listed == ["1", "2", "3", "4", "5", "6", "[", "]", "r", "n", "d", "?"]
    for key in listed[:-1]:
        if key == "r":  # another picture has put the knobs back before
            visit.page.locator("#knobs .knob input").first.focus()
            press(visit, "ArrowRight")
        before = visit.state()
        press(visit, key)
        assert visit.state() != before, key


def test_keys_work_where_they_write_other_letters(visit_at: Callable[..., Visit]) -> None:
    """The key of d writes ㅇ while a keyboard is set to Hangul."""
    visit = visit_at()
    event = "new KeyboardEvent('keydown', { key: 'ㅇ', code: 'KeyD', bubbles: true })"
    visit.page.evaluate(f"document.body.dispatchEvent({event})")
    assert visit.state()["dream"] != 1


def test_arrows_walk_over_codes_dreams_and_small_pictures(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at("#panel=knobs&model=2")
    cells = visit.page.locator("#knobs .code")
    assert visit.page.locator("#knobs .code[tabindex='0']").count() == 1
    code = str((int(cells.nth(9).inner_text()) + 1) % 16)
    visit.page.locator("#knobs .brush input").fill(code)
    cells.first.focus()
    press(visit, "ArrowRight", "ArrowDown", "Enter")
    assert visit.state()["codes"] == {"9": int(code)}
    assert cells.nth(9).evaluate("one => one === document.activeElement")
    press(visit, "End", "ArrowUp")
    assert cells.nth(55).evaluate("one => one === document.activeElement")
    press(visit, "6")
    visit.page.locator("#dream .thumb").first.focus()
    press(visit, "ArrowRight", "ArrowRight", "Enter")
    assert visit.state()["drawn"] == {"seed": 1, "place": 2}
    assert focused(visit) == "Turn the knobs"
    visit.page.locator("#look .thumb").first.focus()
    press(visit, "ArrowRight", "ArrowDown", "ArrowLeft")
    columns = visit.page.evaluate(
        "getComputedStyle(document.querySelector('#look .sheet')).gridTemplateColumns.split(' ').length"
    )
    expected = columns if columns < 24 else 0
    assert visit.state()["image"] == {"kind": "shown", "place": expected}


def test_arrows_turn_a_knob_move_the_slider_and_choose_on_the_map(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at("#panel=knobs")
    visit.page.locator("#knobs .knob input").nth(2).focus()
    press(visit, *["ArrowRight"] * 5)
    assert visit.state()["turns"]["directions"]["2"] == pytest.approx(0.5, abs=0.01)
    press(visit, "Delete")
    assert visit.state()["turns"]["directions"] == {}
    press(visit, "3")
    visit.page.locator("#morph .walk").focus()
    press(visit, *["ArrowLeft"] * 4)
    assert visit.state()["at"] == pytest.approx(0.4)
    press(visit, "4")
    # the page scrolls there first, and the map is drawn once it is seen
    visit.page.locator("#map .plane[width]").wait_for()
    visit.settle()
    visit.page.locator("#map .plane").focus()
    before = visit.state()["image"]
    press(visit, "ArrowUp")  # the first press goes to the chosen picture
    for way in ("ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"):
        press(visit, way, "Enter")
        if visit.state()["image"] != before:  # there may be none further up
            break
    assert visit.state()["image"] != before


def test_labels_say_what_is_turned_now(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at("#panel=knobs")
    name, sweep = visit.page.locator("#knobs .card-name").first, visit.page.locator("#knobs .sweep figcaption")
    hint = visit.page.locator("#knobs > .how")
    assert name.inner_text() == "Nothing turned yet"
    visit.page.locator("#knobs .knob input").nth(2).focus()
    press(visit, "ArrowRight")
    assert name.inner_text().startswith("Direction 3 at ")
    assert sweep.inner_text().startswith("Direction 3 from −3 σ")
    assert visit.page.locator("#knobs .knob output").nth(2).inner_text().count("was") == 1
    assert "in the picture" in visit.page.locator("#knobs .knob input").nth(2).get_attribute("aria-valuetext")
    assert "mixtures" in hint.inner_text()
    visit.page.get_by_text("Single numbers").click()
    visit.settle()
    knob = visit.page.locator("#knobs .knob").first
    number = knob.locator(".knob-name").inner_text()
    assert sweep.inner_text().startswith(f"{number} from −3 σ")
    assert visit.page.locator("#knobs .frame canvas").first.get_attribute("aria-label") == f"{number} at −3 σ"
    assert "mixtures" not in hint.inner_text()
    knob.locator("input").focus()
    press(visit, "ArrowLeft")
    assert name.inner_text().startswith(f"{number} at ")
    assert name.inner_text().endswith(", 1 more")
    press(visit, "r")
    assert name.inner_text() == "Nothing turned yet"
    visit.page.locator("#knobs .choice").first.get_by_text("codes").click()
    visit.settle()
    assert name.inner_text() == "No code changed yet"
    cell = visit.page.locator("#knobs .code").nth(10)
    other = (int(cell.inner_text()) + 1) % 16
    visit.page.locator("#knobs .brush input").fill(str(other))
    cell.click()
    visit.settle()
    assert name.inner_text() == f"Row 2, column 3: code {other}"
    assert sweep.is_hidden()
    for model, there in (("vector", ".knob"), ("codes", ".code")):
        visit.page.locator("#knobs .choice").first.get_by_text(model, exact=True).click()
        visit.settle()
        assert visit.page.locator(f"#knobs {there}").count() > 0


def test_labels_of_morph_and_noise_follow(visit_at: Callable[..., Visit]) -> None:
    visit = visit_at("#panel=morph&at=0.25")
    assert visit.page.locator("#morph .walk-reading").inner_text().startswith("25 % of the way from ")
    press(visit, "5")
    for kind, measure in (("Masked patches", "Masked"), ("Gaussian", "Standard deviation")):
        visit.page.locator("#noise .choice").get_by_text(kind).click()
        visit.settle()
        assert visit.page.locator("#noise").get_by_role("slider", name=measure).count() == 1


@pytest.mark.parametrize("script", ["", NO_STORAGE])
def test_the_introduction_goes_away_and_comes_back(visit_at: Callable[..., Visit], script: str) -> None:
    visit = visit_at("#model=2", script=script)
    introduction = visit.page.locator("#introduction")
    assert introduction.locator("li p").count() == 3
    assert introduction.locator("canvas.painted").count() == 5
    assert introduction.locator(".latent-bars span").count() == 6
    introduction.get_by_role("button", name="Close").click()
    assert introduction.is_hidden()
    assert focused(visit) == "Introduction"
    visit.page.reload()
    visit.wait()
    assert introduction.is_hidden() == (not script)
    visit.page.get_by_role("button", name="Introduction").click()
    assert introduction.is_visible()
    visit.settle()
    assert introduction.locator("canvas.painted").count() == 5
    introduction.get_by_role("button", name="Turn a knob").click()
    visit.until("isthmus.state().panel === 'knobs'")
    assert visit.state()["model"] == 0  # the model of the codes has no knobs
