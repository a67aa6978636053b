"""The site builds without a warning from what lies in the repository, and its pages work from disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.command import environment
from tests.conftest import ROOT
from tests.pages.explorer.visit import CHROMIUM

SITE = ROOT / "docs" / "site"
missing = [name for name in ("sphinx", "furo", "myst_nb") if find_spec(name) is None]
if missing and os.environ.get("CI"):
    raise RuntimeError(f"CI builds the site, and there is no {missing[0]}: `pip install -e '.[docs]'`")
pytestmark = [
    pytest.mark.slow,  # CI runs it: .ci/run
    pytest.mark.skipif(bool(missing), reason="needs Sphinx: pip install -e '.[docs]'"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. Sphinx runs in a process of its own: it changes what Python warns of."""
    work = tmp_path_factory.mktemp("site")
    code = f"import sys; from pathlib import Path; from build import build; sys.exit(build(Path({str(work)!r})))"
    path = os.pathsep.join([str(SITE), environment()["PYTHONPATH"]])
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment(PYTHONPATH=path), capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return work / "html"


def test_every_page_is_there(site: Path) -> None:
    for page in ("index", "README", "CHANGELOG", "docs/howto/own-images", "docs/decisions", "docs/run-folder"):
        assert (site / f"{page}.html").is_file()
    shown = {path.relative_to(site).with_suffix("") for path in site.rglob("*.html")}
    notebooks = {path.relative_to(ROOT).with_suffix("") for path in (ROOT / "docs").rglob("*.ipynb")}
    assert notebooks <= shown


def test_the_reference_has_every_part_option_verb_and_name(site: Path) -> None:
    reference = site / "docs" / "reference"
    options = (reference / "options.html").read_text(encoding="utf-8")
    assert "patience_epochs" in options and "passes over the training images" in options
    assert 'id="bottleneck-vq"' in (reference / "bottlenecks.html").read_text(encoding="utf-8")
    verbs = (reference / "verbs.html").read_text(encoding="utf-8")
    for verb in ("study", "train", "score", "data-prepare"):
        assert f'id="verb-{verb}"' in verbs
    python = (reference / "python.html").read_text(encoding="utf-8")
    assert 'id="isthmus-train"' in python and "&gt;&gt;&gt; " in re.sub("<[^>]+>", "", python)
    assert 'id="word-psnr"' in (reference / "glossary.html").read_text(encoding="utf-8")


def test_nothing_is_loaded_from_the_network(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"'](?:https?:)?//[^\"']*", text)
        assert loaded == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", style.read_text(encoding="utf-8")), style


def test_the_site_is_small(site: Path) -> None:
    """It was 5 MB when this was written, and lessons bring pictures; more than 20 is a mistake."""
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 20e6


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_search_answers_from_disk(site: Path, browser: Any, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "docs/howto/index.html").as_uri())
    if width < 1000:
        page.locator(".mobile-header label.toggle[for='__navigation'], .nav-overlay-icon").first.click()
    page.locator("input.sidebar-search").fill("codebook")
    page.keyboard.press("Enter")
    page.locator("#search-results li a").first.wait_for()
    found = [link.inner_text() for link in page.locator("#search-results li a").all()]
    assert "Bottlenecks" in found
    assert all(url.startswith(("file:", "data:")) for url in asked)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_telephone(site: Path, browser: Any, scheme: str) -> None:
    """No page scrolls sideways as a whole, and the dark theme follows the system."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    for name in ("index", "README", "docs/howto/from-keras", "docs/reference/options", "docs/families"):
        page.goto((site / f"{name}.html").as_uri())
        excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert excess <= 0, name
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
    assert (brightness < 128) == (scheme == "dark")
    context.close()
