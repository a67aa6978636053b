"""The static pages: one HTML file for a run, one for a study, readable without a network or a server."""

from pathlib import Path

from isthmus.core.atomic_files import refuse_link
from isthmus.pages.report.read_folder import read_study
from isthmus.pages.report.run_page import write_run_report
from isthmus.pages.report.study_page import write_study_report

__all__ = ["write_run_report", "write_study_pages", "write_study_report"]


def write_study_pages(folder: Path) -> Path:
    """Write the page of each finished run of a study, then the study's page; return the path of the latter."""
    for evaluation in sorted(folder.glob("*/seed-*/evaluation.json")):
        refuse_link(evaluation.parent)
        refuse_link(evaluation.parent.parent)
    for run in read_study(folder).runs.values():
        write_run_report(run.path)
    return write_study_report(folder)
