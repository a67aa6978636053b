from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.command import isthmus
from tests.pages.explorer.visit import CHROMIUM, Visit, missing
from tests.study_toml import study_toml

VECTOR_AND_CODES = """[[variation]]
name = "vector"
[[variation]]
name = "vae"
compare = "vector"
changes = { "bottleneck.kind" = "gaussian", "bottleneck.dim" = 6, "objective.weights" = { kl = 0.1 } }
[[variation]]
name = "codes"
compare = "vector"
[variation.changes]
"bottleneck.kind" = "vq"
"bottleneck.codes" = 16
"objective.weights.commitment" = 0.25
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def three_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small study: a vector of 6 numbers, a VAE, and a grid of codes."""
    if missing:
        pytest.skip(missing)
    home = tmp_path_factory.mktemp("three-models")
    text = study_toml(
        VECTOR_AND_CODES,
        data=("train = 80", "test = 24"),
        filters=(4, 5),
        dim=6,
        train=("epochs = 2", "batch = 16", 'kernels = "torch"'),
    )
    (home / "three.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISTHMUS_DATA", str(home / "cache"))
        told = isthmus("study", home / "three.toml", "-o", home / "three", "--quiet")
        assert told.code == 0, told.err
        told = isthmus("explore", home / "three")
        assert told.code == 0, told.err
    return home / "three" / "explorer.html"


@pytest.fixture
def visit_at(browser: Any, three_models: Path) -> Iterator[Callable[..., Visit]]:
    """Opens the page of three models; visit_at("#panel=map", has_touch=True) takes options of a browser context."""
    opened: list[Visit] = []

    def open_page(fragment: str = "", **options: Any) -> Visit:
        opened.append(Visit(browser, three_models, fragment=fragment, **options))
        return opened[-1]

    yield open_page
    for visit in opened:
        visit.close()
