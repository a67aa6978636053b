from __future__ import annotations

from pathlib import Path

import pytest
from tests.pages.report.builder import build_run, build_study
from tests.pages.report.pages import Page, read_page

from isthmus.pages.report import write_run_report, write_study_report


@pytest.fixture(scope="session")
def study_page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return read_page(write_study_report(build_study(tmp_path_factory.mktemp("study") / "demo")))


@pytest.fixture(scope="session")
def run_page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return read_page(write_run_report(build_run(tmp_path_factory.mktemp("run") / "denoise", "denoise")))


@pytest.fixture
def study_folder(tmp_path: Path) -> Path:
    return build_study(tmp_path / "demo")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return build_run(tmp_path / "latent-10", "latent-10")
