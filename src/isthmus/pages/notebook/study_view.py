"""What a study shows in a notebook: its findings, its table, and the same pictures through every model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.evaluation.doctor.diagnosis import counts
from isthmus.pages.lost_runs import failures_together
from isthmus.pages.notebook import pictures
from isthmus.pages.notebook.render import link_to, render
from isthmus.pages.report import text
from isthmus.pages.report.handling import done_in_study
from isthmus.pages.report.headlines import size_of
from isthmus.pages.report.read_folder import compared, read_study
from isthmus.pages.report.reproduce import device, image_counts
from isthmus.pages.shown_pixels import remarks
from isthmus.pages.study_table import study_table
from isthmus.run_files.data import Data
from isthmus.run_files.findings import Finding

_MOST_MODELS = 8
_MANY, _FOREMOST = 16, 8


def study_view(folder: Path) -> str:
    """Static HTML. Where a file is missing or damaged, the sentence that says so."""
    try:
        study = read_study(folder)
    except (InputError, RunError) as error:
        return render("problem.html.jinja", what="Study", folder=folder, sentence=error)
    findings = study.findings
    data = findings.data or Data()
    first, rest = _foremost(failures_together(findings))
    models = compared(study)
    shown = pictures.of_study([(one.name, one.runs[0]) for one in models[:_MOST_MODELS]])
    said: list[str] = []
    if shown is not None:
        said = remarks(models[0].runs[0].view, data.depth, data.range) + ([shown.reduced] if shown.reduced else [])
    if len(models) > _MOST_MODELS:
        said.append(f"The first {_MOST_MODELS} of {len(models)} models; the report shows all.")
    severities = [line.severity for row in findings.variations for line in row.doctor or ()]
    seeds = f"seed{'' if len(findings.seeds) == 1 else 's'} {text.listing([str(seed) for seed in findings.seeds])}"
    runs = [run for one in models for run in one.runs]
    page = folder / "report.html"
    return render(
        "study.html.jinja",
        folder=folder,
        name=findings.study,
        about=findings.about or "",
        facts=", ".join(filter(None, (data.source, image_counts(data), seeds, device(runs)))),
        sentences=[one.sentence for one in first],
        rest=[one.sentence for one in rest],
        table=study_table(findings),
        shown=shown,
        about_pictures=said,
        doctor=text.listing(counts(severities)),
        handling=[
            f"{caution.about}: {caution.sentence}" if caution.about else caution.sentence
            for caution in done_in_study(models)
        ],
        report=link_to(page) if page.is_file() else "",
    )


def _foremost(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """The findings to show at once, and the rest; of many, the largest differences come first."""
    if len(findings) <= _MANY:
        return list(findings), []
    largest = sorted(findings, key=lambda finding: (finding.kind != "comparison", -size_of(finding)))
    first = {id(finding) for finding in largest[:_FOREMOST]}
    return largest[:_FOREMOST], [finding for finding in findings if id(finding) not in first]
