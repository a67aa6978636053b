"""A number and its unit stay on one line, such as `17.53 dB` in a narrow column of a table.

Pages keep plain spaces, because a space that does not break can be neither seen nor typed easily in Markdown.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

UNBROKEN = "\N{NO-BREAK SPACE}"
_SPACE = re.compile(r"(?<=\d) (?=(?:dB|%|ms|s|min|[kKMG]i?B)(?!\w))")


def with_unbroken_units(text: str) -> str:
    return _SPACE.sub(UNBROKEN, text)


class UnbrokenUnits(SphinxTransform):
    """Changes the space between number and unit in all text that is not code."""

    default_priority = 900  # after anchors were made of headings

    def apply(self, **_: Any) -> None:
        for text in list(self.document.findall(nodes.Text)):
            parent = text.parent
            if isinstance(parent, nodes.literal | nodes.FixedTextElement | nodes.raw):
                continue
            changed = with_unbroken_units(text)
            if changed != text:
                parent.replace(text, nodes.Text(changed))
