"""Pages that are written from the code for each build."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from isthmus_site.reference import glossary, parts, python, recipes, verbs

_INDEX = """# Reference

Everything here is written from the code when the site is built, so it is what this version does.
`isthmus list` and `isthmus VERB --help` say the same in a terminal.

{toctrees}
"""


def reference(folder: Path) -> Mapping[Path, str]:
    """Path below `folder` -> Markdown of each page."""
    of_parts = parts.pages()
    pages = {
        "verbs": verbs.page(),
        "recipes": recipes.ready_made(),
        "options": recipes.options(),
        **of_parts,
        "python": python.page(),
        "glossary": glossary.page(),
    }
    groups = {
        "Use": ("verbs", "python", "../run-folder", "glossary"),
        "Recipes and their options": ("recipes", "options"),
        "Parts": tuple(of_parts),
    }
    toctrees = "\n".join(_toctree(caption, names) for caption, names in groups.items())
    index = {"index": _INDEX.format(toctrees=toctrees)}
    return {folder / f"{name}.md": text for name, text in (index | pages).items()}


def _toctree(caption: str, names: Iterable[str]) -> str:
    return "\n".join([f"## {caption}\n", "```{toctree}", ":maxdepth: 1\n", *names, "```\n"])
