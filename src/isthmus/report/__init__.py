"""The static pages: one HTML file for a run, one for a study, readable without a network or a server."""

from isthmus.report.run_page import write_run_report
from isthmus.report.study_page import write_study_report

__all__ = ["write_run_report", "write_study_report"]
