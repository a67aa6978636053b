"""The folder that Sphinx reads: pages where they lie in the repository, so that their links work here as on GitHub.

Sphinx wants all pages below one folder, with a page `index`. Ours lie at the root, in `docs/` and in `records/`, and
the reference is written anew for each build. So they are copied, and nothing is written into the repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from isthmus_site.links import links_of
from isthmus_site.reference import reference

ROOT = Path(__file__).parents[3]
HOME = Path("docs/site/home.md")  # becomes index.md; its links start at the root of the repository
PAGES = (
    "README.md",
    "README.ko.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/**/*.md",
    "docs/**/*.ipynb",
    "records/*.md",
    "tests/reference/README.md",
)
PICTURES = ("docs/**/*.png", "docs/**/*.svg", "docs/**/*.jpg")
# The pages of records name their children here, because the list would be noise on GitHub.
CHILDREN = {"records/README.md": "\n```{toctree}\n:glob:\n:hidden:\n:reversed:\n\n2*\n```\n"}


def stage(folder: Path) -> None:
    """Fill `folder` with everything that the site is made of. Older content that is no longer made is removed."""
    made = {Path("index.md")}
    _write_if_changed(folder / "index.md", (ROOT / HOME).read_bytes())
    for file in (*matching(PAGES), *matching(PICTURES)):
        made.add(file)
        content = (ROOT / file).read_bytes()
        if file.suffix == ".md":
            text = with_one_title(content.decode()) + CHILDREN.get(file.as_posix(), "")
            content = text.encode()
        _write_if_changed(folder / file, content)
    for file in _linked_files(made):
        made.add(file)
        _write_if_changed(folder / file, (ROOT / file).read_bytes())
    for file, text in reference(Path("docs/reference")).items():
        made.add(file)
        _write_if_changed(folder / file, text.encode())
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(folder) not in made:
            path.unlink()


def matching(patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            file = path.relative_to(ROOT)
            if "site" not in file.parts and not any(part.startswith(".") for part in file.parts):
                yield file


def _linked_files(pages: set[Path]) -> Iterator[Path]:
    """Files that pages link to and that are no pages, such as code: the site has a copy of them."""
    for page in sorted(pages):
        if page.suffix != ".md":
            continue
        source = HOME if page == Path("index.md") else page
        base = ROOT / page.parent
        for link in links_of((ROOT / source).read_text(encoding="utf-8")):
            target = (base / link.path).resolve() if link.path else None
            if target and target.is_file() and target.is_relative_to(ROOT):
                file = target.relative_to(ROOT)
                if file not in pages:
                    yield file


def with_one_title(text: str) -> str:
    """The page with its first title alone on the top level; what follows a second one is a level lower.

    Sphinx would make an entry of the navigation of each title. The README has two.
    """
    lines, titles, is_code = text.splitlines(keepends=True), 0, False
    for number, line in enumerate(lines):
        is_code ^= line.startswith("```")
        if is_code or not re.match("#+ ", line):
            continue
        titles += line.startswith("# ")
        if titles > 1:
            lines[number] = f"#{line}"
    return "".join(lines)


def _write_if_changed(target: Path, content: bytes) -> None:
    """Leave the rest alone: Sphinx reads again what is newer than its last build."""
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
