"""Small pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; empty where it has no rows."""
    lines = ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(heading) + " |", "|---" * len(heading) + "|", *lines]) + "\n"


def cell(text: str) -> str:
    """Text in one line; a bar would end the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def anchor(name: str) -> str:
    """An anchor that links can name whatever the heading below it says."""
    return f'<a id="{name}"></a>\n'
