"""Links in Markdown text, outside of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True)
class Link:
    """`path` is empty for a link within the page, `anchor` for one without `#`."""

    path: str
    anchor: str


def links_of(text: str) -> Iterator[Link]:
    """Every link and picture of a page that stays in the repository: no `https:`, no `mailto:`."""
    for token in _flat(MarkdownIt("commonmark").enable("table").parse(text)):
        target = token.attrGet("href") if token.type == "link_open" else token.attrGet("src")
        if isinstance(target, str) and not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield Link(path, anchor)


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])
