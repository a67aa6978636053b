"""Links of pages, and names of pages in code and messages, lead to what is there. The network is not asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
import pytest
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "docs" / "site"))
from isthmus_site.links import anchors_of, links_of
from isthmus_site.reference import GROUPS
from isthmus_site.stage import HOME, PAGES, matching

WRITTEN = [*matching(PAGES), HOME]
GENERATED = {
    Path("docs/reference") / f"{name}.md" for name in ("index", *(n for names in GROUPS.values() for n in names))
}
# read on the site; the others are read in the repository too, where there is no generated page
OF_THE_SITE = ("docs/howto", "docs/lessons", "docs/site")
CODE = [*ROOT.glob("src/**/*.py"), *ROOT.glob("src/**/*.toml"), *ROOT.glob("src/**/*.jinja"), *ROOT.glob("bench/*.py")]
NAMED = re.compile(r"(?<![\w/.])((?:docs|records)/[\w./-]+\.(?:md|ipynb))(?:#([\w-]+))?")


@cache
def text_of(file: Path) -> str:
    if file.suffix != ".ipynb":
        return (ROOT / file).read_text(encoding="utf-8")
    cells = nbformat.read(ROOT / file, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("file", WRITTEN, ids=str)
def test_the_links_of_a_page_lead_somewhere(file: Path) -> None:
    assert list(broken(file)) == []


def broken(file: Path) -> Iterator[str]:
    base = ROOT if file == HOME else (ROOT / file).parent
    for link in links_of(text_of(file)):
        target = (base / link.path).resolve() if link.path else ROOT / file
        inside = target.relative_to(ROOT) if target.is_relative_to(ROOT) else None
        if inside in GENERATED and str(file).startswith(OF_THE_SITE):
            continue  # that its anchors exist is seen when the site is built
        if inside is None or not target.exists():
            yield f"no {link.path}"
        elif link.anchor and link.anchor not in anchors_of(text_of(inside)):
            yield f"{link.path or file.name} has no #{link.anchor}"


def test_code_and_messages_name_pages_that_exist() -> None:
    missing: list[str] = []
    for file in CODE:
        for page, anchor in NAMED.findall(file.read_text(encoding="utf-8")):
            if not (ROOT / page).is_file() or (anchor and anchor not in anchors_of(text_of(Path(page)))):
                missing.append(f"{file.relative_to(ROOT)}: {page}#{anchor}")
    assert missing == []


def test_a_broken_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page.md").write_text(
        "# A *b*, c\n\n[x](nowhere.md) [y](#a-b-c) [z](#d) `[q](r.md)` [w](https://example.org)\n"
    )
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    assert list(broken(Path("page.md"))) == ["no nowhere.md", "page.md has no #d"]
