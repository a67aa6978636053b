"""Render a template for a notebook's output.

GitHub shows a notebook without its style sheets, style attributes and scripts, and themes are light or dark. So a view
says everything in tables, text and pictures that carry their own size; a style only arranges what would be readable
without it, and no text has a colour of its own.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isthmus.pages.report import text

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _solid(words: str) -> str:
    """Without places to break a line."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


_TEMPLATES.filters.update(unbroken=text.unbroken, solid=_solid)


def render(template: str, **content: object) -> str:
    """HTML for a notebook's output; every value is escaped."""
    return _TEMPLATES.get_template(template).render(**content)


def link_to(file: Path) -> str:
    """A reference to `file` from the folder of the notebook, which is where its Python runs."""
    try:
        place = Path(os.path.relpath(file)).as_posix()
    except ValueError:  # on Windows, another drive
        place = file.as_posix()
    return quote(place)
