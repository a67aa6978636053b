"""Render a template into one self-contained HTML file, written whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from isthmus.core.atomic_files import write_text
from isthmus.core.outputs import check_free
from isthmus.pages.glossary import PageWords
from isthmus.pages.report import text
from isthmus.pages.report.svg import colour_class

# how pages began before they named their maker
_EARLIER = b"default-src &#39;none&#39;; img-src data:; style-src &#39;unsafe-inline&#39;; script-src &#39;sha256-"
_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_SECTION = re.compile(r'<section id="([\w-]+)" data-short="([^"]+)">')


def contents(page: str) -> list[tuple[str, str]]:
    """(id, short title) of each section of a rendered page, in order."""
    return _SECTION.findall(page)


_TEMPLATES.filters.update(
    colour_class=colour_class,
    json=partial(json.dumps, ensure_ascii=False),
    unbroken=text.unbroken,
)
_OURS: dict[str, Any] = {"contents": contents}
_TEMPLATES.globals.update(_OURS)


def write_page(target: Path, template: str, **content: object) -> Path:
    """Render `template` with `content` to `target` and return it.

    Raises InputError where a file that isthmus did not make is there, OSError where it cannot be written.
    """
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    page = _TEMPLATES.get_template(template).render(
        style=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        script=Markup(script),
        policy=_policy(script),
        words=PageWords(),
        **{"explorer": target.with_name("explorer.html").is_file(), **content},
    )
    if not target.is_symlink():  # a link is replaced itself, and its file stays as it is
        check_free(target, _EARLIER)
    write_text(target, page)
    return target


def _policy(script: str) -> str:
    """A content security policy: the page can fetch nothing and runs only its own script.

    So a name that escaping missed still could not run code.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
