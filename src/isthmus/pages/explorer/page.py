"""Put everything into one HTML file that makes no network requests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from isthmus.pages.explorer import assets

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(title: str, about: dict[str, Any], blobs: Sequence[tuple[str, str]]) -> str:
    """The page."""
    script = assets.read("explorer.js").decode()
    return _TEMPLATES.get_template("page.html.jinja").render(
        title=title,
        policy=_policy(script),
        style=Markup(assets.read("explorer.css").decode()),
        script=Markup(script),
        about=Markup(_inert(json.dumps(about))),
        blobs=blobs,
    )


def _inert(text: str) -> str:
    """JSON without the characters that begin or end a tag or an entity."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(script: str) -> str:
    """A security policy: the page runs its own script, wasm and workers from its own blobs, and fetches nothing."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}' blob: 'wasm-unsafe-eval'; worker-src blob:; "
        "style-src 'unsafe-inline'; img-src data: blob:; media-src blob:; connect-src 'none'"
    )
