"""The explorer in a real browser, of images that are not 8-bit RGB."""

from __future__ import annotations

import io
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

pytestmark = pytest.mark.skipif(bool(missing), reason=missing or "all is here")


def explored(home: Path, pixels: np.ndarray, *changes: str) -> Path:
    """The page of a tiny run on images (N, C, H, W)."""
    np.save(home / "images.npy", pixels)
    data = ("data.kind=arrays", f"data.path={home / 'images.npy'}", "data.layout=NCHW", "split.validation=0.2")
    told = train(home / "run", *data, "train.epochs=1", *changes)
    assert told.code == 0, told.err
    told = isthmus("explore", home / "run")
    assert told.code == 0, told.err
    return home / "run" / "explorer.html"


def ramps(count: int, shape: tuple[int, int, int], most: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    low, high = rng.uniform(0, most, (2, count, shape[0], 1, 1))
    across = np.arange(shape[2]) / (shape[2] - 1)
    image = low + (high - low) * across * np.ones((shape[1], 1))
    return np.rint(image).astype(np.uint8 if most == 255 else np.uint16)


def rebuilt(page: PageFile) -> np.ndarray:
    """The first picture as the page's own graphs rebuild it, (C, H, W) in 0..255."""
    pixels = page.tensors("images")["shown"][:1].astype(np.float32) * (page.about["levels"] / 255)
    encoder, decoder = (onnx.load_from_string(page.blob(f"{half}-0")) for half in ("encoder", "decoder"))
    return answer(decoder, answer(encoder, pixels))[0] * 255


def check_output(visit: Visit, page: PageFile) -> None:
    """What the page shows of its first picture is what its graphs answer, within a grey level."""
    shape = page.about["image_shape"]
    expected = rebuilt(page)[page.about["shown_channels"]]
    shown = visit.output(0, (shape[1], shape[2])).astype(float)
    assert np.abs(shown - np.broadcast_to(expected, shown.shape)).max() <= 1
    for panel in ("knobs", "morph", "map", "noise", "dream"):
        visit.scroll_to(panel)
        assert visit.pictures(panel), panel


def test_grey_oblong_images_and_a_readers_picture_in_grey(browser: Any, tmp_path: Path) -> None:
    path = explored(tmp_path, ramps(60, (1, 16, 24), 255))
    page = PageFile(path)
    assert page.about["image_shape"] == [1, 16, 24]
    assert page.about["remarks"] == []
    visit = Visit(browser, path)
    check_output(visit, page)
    buffer = io.BytesIO()
    Image.new("RGB", (48, 32), (255, 0, 0)).save(buffer, format="PNG")
    visit.drop(buffer.getvalue(), "red.png")
    pixel = visit.page.locator("#look canvas").first.evaluate(
        "c => [...c.getContext('2d').getImageData(3, 3, 1, 1).data]"
    )
    assert pixel == [76, 76, 76, 255]
    visit.close()


@pytest.mark.slow
def test_many_deep_channels_are_shown_by_three_and_said(browser: Any, tmp_path: Path) -> None:
    path = explored(tmp_path, ramps(60, (5, 24, 16), 65535), "data.shown_channels=[4,0,2]")
    page = PageFile(path)
    assert (page.about["shown_channels"], page.about["levels"]) == ([4, 0, 2], 65535)
    visit = Visit(browser, path)
    check_output(visit, page)
    for sentence in ("Pictures show channels 4, 0 and 2 of 5", "16 bits", "A picture of your own cannot be used here"):
        assert visit.page.get_by_text(sentence, exact=False).count(), sentence
    assert not visit.page.get_by_role("button", name="Use your own picture").count()
    visit.close()


@pytest.mark.slow
def test_a_picture_too_large_for_a_link_is_left_out_and_that_is_said(browser: Any, tmp_path: Path) -> None:
    copies = "navigator.clipboard.writeText = async (text) => { window.copied = text; };"
    visit = Visit(browser, explored(tmp_path, ramps(60, (3, 48, 48), 255)), script=copies)
    buffer = io.BytesIO()
    Image.new("RGB", (48, 48), (255, 0, 0)).save(buffer, format="PNG")
    visit.drop(buffer.getvalue(), "red.png")
    visit.page.locator(".share").click()
    dialog = visit.page.get_by_role("dialog", name="Your picture is too large for a link")
    assert dialog.get_by_role("button").all_inner_texts() == ["Cancel", "Copy without the picture"]
    dialog.get_by_role("button", name="Copy without").click()
    visit.until("window.copied !== undefined")
    assert visit.page.evaluate("copied").endswith("#")
    visit.close()
