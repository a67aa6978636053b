"""A study folder as an object: its findings, its table and its runs; it also shows itself in notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

from isthmus.api.folder_object import FolderObject
from isthmus.api.run_object import Run
from isthmus.core.arguments import checked
from isthmus.core.errors import InputError
from isthmus.core.paths import AnyPath, expanded
from isthmus.pages.notebook.frame import Frame
from isthmus.pages.notebook.study_view import study_view
from isthmus.pages.study_table import StudyTable, study_table
from isthmus.run_files.findings import Finding, Findings
from isthmus.run_files.read import read_json, read_record


@final
class Study(FolderObject, dict[str, Any]):
    """A study: what `isthmus.study` returns; `Study("runs/post")` opens one that exists.

    It is the dictionary that findings.json holds, and stands for its folder wherever a path is taken. Raises InputError
    where the folder is no study, RunError where findings.json is damaged.

    >>> import isthmus as ist
    >>> study = ist.Study("runs/pair")
    >>> [finding.variation for finding in study.findings if finding.kind == "comparison"]
    ['wide']
    >>> print(study.table().csv().splitlines()[0][:42])
    variation,psnr_db,psnr_db_low,psnr_db_high
    >>> list(study.runs)
    ['narrow/seed-0', 'wide/seed-0']
    >>> study["study"]
    'pair'
    """

    @checked
    def __init__(self, folder: AnyPath) -> None:
        self._path = expanded(folder, "folder")
        path = self._path / "findings.json"
        if not path.is_file():
            raise InputError(_no_study(self._path))
        self._record = read_record(path, Findings)
        super().__init__(read_json(path))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Its conclusions, each with `sentence`, `difference`, `low`, `high` and `verdict`."""
        return self._record.findings

    @property
    def runs(self) -> dict[str, Run]:
        """Its finished runs by their folders in the study, such as `latent-10/seed-0`."""
        finished = [run.folder for row in self._record.variations for run in row.runs if run.status == "done"]
        return {name: Run(self.path / name) for name in finished}

    def table(self) -> StudyTable:
        """One row per variation: scores with intervals, against PCA, and cost.

        `print(study.table())` and `.markdown()` give Markdown, `.latex()` and `.csv()` those, `.numbers()` a pandas
        DataFrame, or a dictionary of arrays where pandas is not installed.
        """
        return study_table(self._record)

    @checked
    def explorer(self, *, models: Sequence[str] = (), embed: bool = False, height: int = 760) -> Frame:
        """The page that runs up to four of its models in the browser, as a frame for notebooks.

        The page is `explorer.html` in the folder. models: names of variations, by default the first four. embed: put
        the whole page into the notebook, several MB; else the notebook refers to the file. height: of the frame, CSS
        pixels. Warns about anything missing from the page. Raises InputError as `isthmus.explore`.
        """
        return self._framed(tuple(models), embed=embed, height=height)

    def _repr_html_(self) -> str:
        return study_view(self.path)


def _no_study(folder: Path) -> str:
    if (folder / "recipe.toml").is_file():
        return f"{folder}: a run, not a study; open it with isthmus.Run"
    if (folder / "study.toml").is_file():
        return f"{folder}: a study without any finished run; `isthmus study {folder}` goes on with it"
    return f"{folder}: not a study folder (no findings.json); `isthmus study` makes one"
