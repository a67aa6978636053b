"""The explorer in a real browser: what it shows is what the model answers, and it asks nobody for anything."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image
from tests.command import isthmus, train
from tests.pages.explorer.page_file import PageFile
from tests.pages.explorer.visit import Visit, missing

from isthmus.inference.export.compare import answer
from isthmus.runs.load import load_model

HOSTILE = "<img src=x onerror=alert(1)>"
pytestmark = pytest.mark.skipif(bool(missing), reason=missing or "all is here")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny recipe with a class whose name would act if it were not text."""
    home = tmp_path_factory.mktemp("browser")
    rng = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 12)):
        for name in ("cat", HOSTILE):
            (home / "images" / part / name).mkdir(parents=True)
            for number in range(count):
                smooth = np.repeat(np.repeat(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), 4, 0), 4, 1)
                Image.fromarray(smooth).save(home / "images" / part / name / f"{number}.png")
    data = ("data.kind=folder", f"data.path={home / 'images'}", "data.size=16", "split.validation=0.2")
    assert train(home / "run", *data, "model.linear=pca", "bottleneck.dim=12").code == 0
    told = isthmus("explore", home / "run")
    assert told.code == 0, told.err
    return home / "run"


@pytest.fixture
def visit(browser: Any, trained: Path) -> Iterator[Visit]:
    opened = Visit(browser, trained / "explorer.html")
    yield opened
    opened.close()


def test_every_shown_picture_is_rebuilt_as_python_rebuilds_it(visit: Visit, trained: Path) -> None:
    """Within one grey level on 99.9 % of values, against the page's own graphs and against PyTorch."""
    held = PageFile(trained / "explorer.html")
    pixels = held.tensors("images")["shown"]
    encoder, decoder = (onnx.load_from_string(held.blob(f"{half}-0")) for half in ("encoder", "decoder"))
    stored = np.rint(answer(decoder, answer(encoder, pixels.astype(np.float32))) * 255)
    whole = load_model(trained, "cpu")[0].reconstruct(pixels).transpose(0, 3, 1, 2)
    drawn = []
    for _ in range(6):
        drawn.append(visit.output(0, (16, 16)))
        visit.page.keyboard.press("]")
        visit.settle()
    found = np.stack(drawn).astype(int)
    assert len({picture.tobytes() for picture in drawn}) == 6
    for expected in (stored, whole):
        assert (np.abs(found - expected[: len(found)]) <= 1).mean() >= 0.99  # the bound of storing weights in few bits


def test_choosing_a_picture_draws_it(visit: Visit) -> None:
    before = visit.output(0, (16, 16))
    visit.page.locator("#look [role=radio]").nth(3).click()
    visit.settle()
    assert visit.state()["image"] == {"kind": "shown", "place": 3}
    assert (visit.output(0, (16, 16)) != before).any()


def test_a_knob_redraws_and_can_be_put_back(visit: Visit, trained: Path) -> None:
    visit.scroll_to("knobs")
    untouched = visit.pictures("knobs")
    knob = visit.page.locator("#knobs .knob input").first
    knob.focus()
    for _ in range(30):
        visit.page.keyboard.press("ArrowRight")
    visit.settle()
    turned = visit.pictures("knobs")
    assert turned[0] != untouched[0]
    visit.page.keyboard.press("Delete")
    visit.settle()
    assert visit.pictures("knobs")[0] == untouched[0]
    redraws = visit.page.evaluate("isthmus.timings.redraws")
    size = (trained / "explorer.html").stat().st_size / 1e6
    ready = visit.page.evaluate("isthmus.timings.ready")
    print(f"{size:.2f} MB, ready in {ready:.0f} ms; a knob's redraw {np.median(redraws):.1f} ms")


def test_a_dropped_picture_is_cropped_shrunk_and_rebuilt(visit: Visit) -> None:
    pixels = np.zeros((48, 80, 3), np.uint8)
    pixels[:, :40] = [200, 30, 30]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    visit.drop(buffer.getvalue(), "<b>mine</b>.png")
    original = visit.page.locator("#look canvas").first
    red = original.evaluate("c => Array.from(c.getContext('2d').getImageData(0, 8, 1, 1).data)")
    assert red[:3] == [200, 30, 30]


def test_morph_noise_map_and_dream_draw(visit: Visit) -> None:
    for panel in ("morph", "map", "noise", "dream"):
        visit.scroll_to(panel)
        assert visit.pictures(panel), panel
    visit.scroll_to("morph")
    before = visit.pictures("morph")
    visit.page.locator("#morph input.walk").fill("0.9")
    visit.settle()
    assert visit.pictures("morph") != before
    visit.scroll_to("noise")
    before = visit.pictures("noise")
    visit.page.locator("#noise input[type=range]").fill("60")
    visit.settle()
    assert visit.pictures("noise") != before
    visit.scroll_to("dream")
    before = visit.pictures("dream")
    visit.page.keyboard.press("d")
    visit.settle()
    assert visit.pictures("dream") != before


def test_a_link_brings_its_state_back(visit: Visit, browser: Any, trained: Path) -> None:
    visit.page.keyboard.press("]")
    visit.page.keyboard.press("]")
    visit.settle()
    again = Visit(browser, trained / "explorer.html", fragment="#" + visit.page.evaluate("isthmus.fragment()"))
    assert again.state() == visit.state()
    assert (again.output(0, (16, 16)) == visit.output(0, (16, 16))).all()
    again.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_class_that_looks_like_a_tag_is_text_and_nothing_spills_over(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    for panel in ("look", "knobs", "morph", "map", "noise", "dream"):
        visit.scroll_to(panel)
    assert visit.page.get_by_text(HOSTILE, exact=False).count() > 0
    assert visit.page.locator("img").count() == 0
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
