"""Pages that are written from the code for each build."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from isthmus.core.sorts import SORTS
from isthmus_site.reference import glossary, parts, python, recipes, verbs

_INDEX = """# Reference

Everything here is written from the code when the site is built, so it is what this version does.
`isthmus list` and `isthmus VERB --help` say the same in a terminal.

{toctrees}
"""


# caption -> names of pages below it
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Use": ("verbs", "python", "../run-folder", "glossary"),
    "Recipes and their options": ("recipes", "options"),
    "Parts": tuple(SORTS),
}


def reference(folder: Path) -> Mapping[Path, str]:
    """Path below `folder` -> Markdown of each page."""
    toctrees = "\n".join(_toctree(caption, names) for caption, names in GROUPS.items())
    pages = {
        "index": _INDEX.format(toctrees=toctrees),
        "verbs": verbs.page(),
        "python": python.page(),
        "glossary": glossary.page(),
        "recipes": recipes.ready_made(),
        "options": recipes.options(),
        **{sort: parts.page(sort) for sort in SORTS},
    }
    return {folder / f"{name}.md": text for name, text in pages.items()}


def _toctree(caption: str, names: Iterable[str]) -> str:
    return "\n".join([f"## {caption}\n", "```{toctree}", ":maxdepth: 1\n", *names, "```\n"])
