"""Runs beside each other: what `isthmus.compare` returns, and the tables of runs and studies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.arguments import checked
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free
from isthmus.core.paths import AnyPath, expanded
from isthmus.pages.report.read_folder import StudyFolder, read_run
from isthmus.pages.report.study_page import write_comparison
from isthmus.pages.study_table import StudyTable, study_table
from isthmus.run_files.findings import Finding, Findings
from isthmus.run_files.read import read_record
from isthmus.runs.gathered import check_comparable, gathered, tested_on
from isthmus.training.environment import command_line


@dataclass(frozen=True, repr=False)
class Comparison:
    """Runs that were compared. record: scores, comparisons and sentences, as findings.json of a study holds them.

    page: the page that was written, or None.
    """

    record: Findings
    page: Path | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Its conclusions, each with `sentence`, `difference`, `low`, `high` and `verdict`."""
        return self.record.findings

    def table(self) -> StudyTable:
        """One row per run, as `Study.table`."""
        return study_table(self.record)

    def __repr__(self) -> str:
        return "\n".join(one.sentence for one in self.findings)


@checked
def compare(runs: Sequence[AnyPath], *, out: AnyPath | None = None) -> Comparison:
    """Compare runs on the same test images: each with the first one and with PCA, image by image.

    runs: two or more run folders, or folders of a study's variation ("runs/post/vae"), whose seeds are averaged.
    out: an HTML page to write, with pictures; by default none.
    With several comparisons, verdicts are corrected (Holm). Raises InputError where a run has no scores, or was tested
    on other images, and says how these differ.

    >>> import isthmus as ist
    >>> found = ist.compare(["runs/pair/narrow", "runs/pair/wide"])
    >>> [(one.variation, one.against, one.about) for one in found.findings if one.kind == "comparison"]
    [('wide', 'narrow', 'models')]
    >>> found.table().columns["variation"]
    ['narrow', 'wide']
    """
    return compare_runs([expanded(run, "runs") for run in runs], None if out is None else expanded(out, "out"))


def compare_runs(folders: Sequence[Path], page: Path | None) -> Comparison:
    """`compare` for the command line as well, whose messages name its own options."""
    if len(folders) < 2:
        raise InputError("runs: a comparison needs two or more runs; name another")
    if page is not None:
        check_page(page)
    check_comparable(folders)
    root = Path() if page is None else page.parent
    record = gathered(folders, root, command=command_line())
    if page is not None:
        done = [run.folder for row in record.variations for run in row.runs if run.status == "done"]
        root.mkdir(parents=True, exist_ok=True)
        study = StudyFolder(root, record, {name: read_run(root / name) for name in done})
        write_comparison(study, page, kind="comparison")
    return Comparison(record, page)


def check_page(page: Path) -> None:
    """Raise InputError where a page may not be written to `page`."""
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{page}: the page of a comparison is HTML; give --out a name that ends in .html")
    check_free(page)


def table_of(folders: Sequence[Path]) -> tuple[StudyTable, Findings]:
    """The table of one study, or of runs, and what it was made from. Raises InputError where a folder is neither."""
    for folder in folders:
        if os.path.lexists(folder / "findings.json") and len(folders) == 1:
            findings = read_record(folder / "findings.json", Findings)
            return study_table(findings), findings
        if (folder / "findings.json").is_file():
            raise InputError(f"{folder}: a study; its table is made alone, or name some of its runs")
        if (folder / "study.toml").is_file() and not (folder / "recipe.toml").exists():
            raise InputError(f"{folder}: a study without any finished run; `isthmus study {folder}` goes on with it")
    findings = gathered(folders, Path(), command="")
    return study_table(findings, tested_on=tested_on(folders)), findings
