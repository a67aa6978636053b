"""`<a id="decision-87"></a>` in Markdown is an anchor that links of all pages can name, as on GitHub."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform

ANCHOR = re.compile(r'<a id="([\w-]+)">')


class AnchorsOfHtml(SphinxTransform):
    """Tells MyST the anchors that stand in raw HTML; alone it knows those of headings."""

    default_priority = 1  # before MyST resolves links within the page

    def apply(self, **_: Any) -> None:
        slugs = getattr(self.document, "myst_slugs", {})
        for raw in self.document.findall(nodes.raw):
            for name in ANCHOR.findall(raw.astext()):
                slugs[name] = (raw.line, name, name)
        self.document.myst_slugs = slugs  # pyright: ignore[reportAttributeAccessIssue]
        self.env.metadata[self.env.docname]["myst_slugs"] = slugs
