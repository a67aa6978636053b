"""The explorer in a frame of a notebook: its script runs there, cut off from the notebook around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.command import train
from tests.pages.explorer.visit import missing

import isthmus as ist
from isthmus.pages.notebook.frame import Frame

pytestmark = [pytest.mark.skipif(bool(missing), reason=missing or "all is here")]


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory, cache_of_module: None) -> Frame:
    home = tmp_path_factory.mktemp("frame")
    assert train(home / "run", "train.kernels=torch").code == 0
    return ist.Run(home / "run").explorer(height=500)


@pytest.mark.parametrize("embed", [False, True])
def test_the_model_runs_in_the_frame(
    browser: Any, frame: Frame, embed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = frame.page.parents[1] / f"notebook-{embed}.html"
    monkeypatch.chdir(notebook.parent)
    notebook.write_text(f"<!doctype html><meta charset=utf-8>{Frame(frame.page, embed, 500)._repr_html_()}")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(notebook.as_uri())
    inside = page.frame_locator("iframe").locator("html")
    inside.and_(page.frame_locator("iframe").locator("[data-ready]")).wait_for(state="attached")
    (child,) = page.main_frame.child_frames
    assert len(child.evaluate("isthmus.settled().then(() => Array.from(isthmus.reconstruction(0)))")) == 32 * 32 * 4
    child.locator("#look [role=radio]").nth(1).click()
    assert child.locator(".share").is_visible() == (not embed)  # what is embedded has no address to link to
    page.wait_for_timeout(600)  # the address is written when the reader pauses
    assert (
        child.evaluate("(() => { try { return parent.document.title } catch (error) { return 'refused' } })()")
        == "refused"
    )
    assert page.evaluate("document.querySelector('iframe').clientHeight") == 500
    page.close()
    assert said == []
