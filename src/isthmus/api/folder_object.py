"""What a run's and a study's object have in common: each stands for its folder wherever a path is taken."""

from __future__ import annotations

from pathlib import Path

from isthmus.api import verbs
from isthmus.core.arguments import notify
from isthmus.core.errors import InputError
from isthmus.core.paths import AnyPath
from isthmus.pages.notebook.frame import Frame
from isthmus.pages.notebook.interfaces import ShownInNotebooks


class FolderObject(ShownInNotebooks):
    """An `os.PathLike` of the folder `_path`, which the subclass sets."""

    _path: Path

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def report(self) -> Path:
        """Its page. Raises InputError where it was deleted."""
        page = self.path / "report.html"
        if not page.is_file():
            raise InputError(f"{page}: is missing; `isthmus report {self.path}` writes it")
        return page

    def _framed(self, models: tuple[str, ...], *, embed: bool, height: int) -> Frame:
        """Write the explorer into the folder; the frame that shows it. Warns as `explore`."""
        made = verbs.explore(self.path, models=models, out=None)
        for sentence in made.notices:
            notify(sentence)
        return Frame(made.page, embed=embed, height=height)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def __str__(self) -> str:
        return str(self.path)

    def __fspath__(self) -> str:
        return str(self.path)

    def __truediv__(self, name: AnyPath) -> Path:
        return self.path / name
