"""A page in a notebook: the explorer, which needs its script, so it stands in a frame of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isthmus.core.bounded_reading import reason
from isthmus.pages.notebook.interfaces import ShownInNotebooks
from isthmus.pages.notebook.render import link_to, render


@dataclass(frozen=True)
class Frame(ShownInNotebooks):
    """A page that a notebook shows in a frame; it stands for the page's path wherever a path is taken.

    embed: put the page itself into the notebook, several MB, instead of a reference to its file: for notebooks that
        are sent without the run, and for editors that do not serve files. height: of the frame, CSS pixels.
    """

    page: Path
    embed: bool = False
    height: int = 760

    def __fspath__(self) -> str:
        return str(self.page)

    def __str__(self) -> str:
        return str(self.page)

    def _repr_html_(self) -> str:
        try:
            content = self.page.read_text(encoding="utf-8") if self.embed else ""
        except OSError as error:  # deleted since
            sentence = f"cannot be read ({reason(error)}); make it again with `explorer()`"
            return render("problem.html.jinja", what="Explorer", folder=self.page, sentence=sentence)
        return render("frame.html.jinja", frame=self, content=content, link=link_to(self.page))
