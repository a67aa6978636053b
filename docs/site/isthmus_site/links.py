"""Links in Markdown text, outside of code, and the anchors that they can name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_HTML_ANCHOR = re.compile(r'<a id="([\w-]+)">')


@dataclass(frozen=True)
class Link:
    """`path` is empty for a link within the page, `anchor` for one without `#`."""

    path: str
    anchor: str


def links_of(text: str) -> Iterator[Link]:
    """Every link and picture of a page that stays in the repository: no `https:`, no `mailto:`."""
    for token in _flat(_MARKDOWN.parse(text)):
        target = token.attrGet("href") if token.type == "link_open" else token.attrGet("src")
        if isinstance(target, str) and not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield Link(path, anchor)


def anchors_of(text: str) -> frozenset[str]:
    """The anchors of a page: those of its headings, as GitHub makes them, and those that it writes as HTML."""
    found: set[str] = set(_HTML_ANCHOR.findall(text))
    tokens = _MARKDOWN.parse(text)
    for before, token in pairwise(tokens):
        if before.type != "heading_open":
            continue
        words = "".join(part.content for part in token.children or [] if part.type in ("text", "code_inline"))
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found.add(next(name for name in _numbered(slug) if name not in found))
    return frozenset(found)


def _numbered(slug: str) -> Iterator[str]:
    yield slug
    yield from (f"{slug}-{number}" for number in count(1))


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])
