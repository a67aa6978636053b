"""A measure is one file in evaluation/measures/: everything that shows scores shows it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.study_toml import ONE, study_toml

from isthmus.cli import tables
from isthmus.core import registry
from isthmus.evaluation import measures
from isthmus.evaluation.describe_measures import known_measures
from isthmus.pages.report import write_run_report, write_study_pages
from isthmus.recipes.study_plan import load_plan
from isthmus.run_files.arrays import read_scores
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.findings import Findings
from isthmus.run_files.read import read_record
from isthmus.run_files.write import as_json
from isthmus.runs.findings import findings
from isthmus.runs.study import study

MEASURE = '''
"""The largest error."""


from isthmus.evaluation.interfaces import Measure


class LargestError(Measure):
    """Largest difference of any pixel value."""

    name, unit, decimals = "Largest error", "grey levels", 1
    higher_is_better = False
    about = "Largest difference of any pixel value."
    least, most = 0.0, 255.0
    undefined = None

    def __call__(self, output, original):
        return (output.double() - original.double()).abs().flatten(1).amax(1)
'''
STUDY = study_toml(
    ONE,
    data=["train = 48", "test = 12", "size = 16"],
    dim=2,
    train=["epochs = 1", "batch = 16", 'device = "cpu"', 'precision = "fp32"'],
)
HEADING = "Largest error (grey levels)"


def forget() -> None:
    registry.refresh()
    sys.modules.pop("isthmus.evaluation.measures.largest_error", None)


@pytest.fixture
def with_measure(tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    (tmp_path / "measures").mkdir()
    (tmp_path / "measures/largest_error.py").write_text(MEASURE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "__path__", [*measures.__path__, str(tmp_path / "measures")])
        forget()
        yield patch
    forget()


def test_a_new_measure_is_in_files_tables_and_pages(
    with_measure: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.toml").write_text(STUDY)
    plan, folder = load_plan(str(tmp_path / "mine.toml"), {}), tmp_path / "study"
    for _ in study(plan, folder, tmp_path / "cache", command=""):
        pass
    run = folder / "one/seed-0"
    score = read_scores(run / "per_image.parquet")["model_largest_error"]
    evaluation = read_record(run / "evaluation.json", EvaluationRecord)
    assert evaluation.scores["model"].by_measure["largest_error"].mean == pytest.approx(np.mean(score))
    assert "largest_error" in evaluation.measures
    assert set(known_measures()) == set(evaluation.measures)
    found = read_record(folder / "findings.json", Findings)
    held = json.loads((folder / "findings.json").read_text())["variations"][0]["scores"]["largest_error"]
    assert held["mean"] == pytest.approx(np.mean(score))
    assert 0 <= held["low"] < held["high"] <= 255

    def shown() -> None:
        tables.print_evaluation(evaluation)
        tables.print_findings(found)
        printed = capsys.readouterr().out
        assert printed.count(HEADING) == 2
        assert printed.count(f"{held['mean']:.1f}") >= 2
        for page in (write_run_report(run), write_study_pages(folder)):
            text = page.read_text()
            assert 'aria-label="What is Largest error?"></button>Largest error <small>grey levels</small>' in text
            assert "<b>Largest error</b> Largest difference of any pixel value.</div>" in text
            assert f"{held['mean']:.1f}" in text

    shown()
    # where the measure is not installed, the files still say what it is
    with_measure.undo()
    forget()
    assert "largest_error" not in registry.kinds("measures")
    shown()
    assert as_json(findings(plan, folder, command="")) == as_json(found)
