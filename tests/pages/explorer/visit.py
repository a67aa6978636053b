"""An explorer page in a real browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.pages.explorer import assets, is_built

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDED = bool(os.environ.get("ISTHMUS_NEED_BROWSER"))

missing = "no Chromium here" if CHROMIUM is None else "" if is_built() else f"no script: {assets.REMEDY}"
if missing and NEEDED:
    raise RuntimeError(f"ISTHMUS_NEED_BROWSER is set: {missing}")


class Visit:
    """A page opened from its file; whatever it logs or asks the network for is kept.

    script: runs before the page's own. options: of Playwright's browser context.
    """

    def __init__(self, browser: Any, path: Path, *, fragment: str = "", script: str = "", **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page: Any = self.context.new_page()
        if script:
            self.page.add_init_script(script)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.resolve().as_uri() + fragment)
        self.wait()

    def wait(self) -> None:
        """Wait until the page shows what it opened with."""
        self.page.locator("html[data-ready], html[data-failed]").wait_for(state="attached")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is left to compute, the panels in sight included."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.page.evaluate("isthmus.settled()")
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true. Playwright's own way needs `eval`: the page forbids it."""
        for _ in range(200):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never true: {expression}")

    def state(self) -> dict[str, Any]:
        return self.page.evaluate("isthmus.state()")

    def output(self, model: int, shape: tuple[int, int]) -> np.ndarray:
        """RGB (3, H, W) uint8 of the canvas with a model's output."""
        flat = self.page.evaluate(f"Array.from(isthmus.reconstruction({model}))")
        return np.array(flat, np.uint8).reshape(*shape, 4)[:, :, :3].transpose(2, 0, 1)

    def pictures(self, panel: str) -> list[str]:
        """Every canvas of a panel as a PNG's address, to tell whether something was redrawn."""
        return self.page.eval_on_selector_all(f"#{panel} canvas", "all => all.map(one => one.toDataURL())")

    def scroll_to(self, panel: str) -> None:
        self.page.locator(f"#{panel}").scroll_into_view_if_needed()
        self.settle()

    def drop(self, picture: bytes, name: str) -> None:
        """Drop a picture file onto the page and use the part of it that the page proposes."""
        self.page.evaluate(
            """([bytes, name]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
                const how = { dataTransfer: data, bubbles: true, cancelable: true };
                document.body.dispatchEvent(new DragEvent("drop", how));
            }""",
            [list(picture), name],
        )
        self.page.locator("dialog[open] .crop-frame").wait_for()
        self.page.keyboard.press("Enter")
        self.page.locator("dialog[open]").wait_for(state="detached")
        self.settle()

    def close(self) -> None:
        self.context.close()
        outside = [url for url in self.asked if not url.startswith(("file:", "blob:", "data:"))]
        assert outside == []
        assert self.said == []
