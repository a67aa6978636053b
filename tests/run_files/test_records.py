"""The records of a run folder's files: what is written, the JSON schema, and the page in docs/."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from docs.run_folder_tables import PAGE, filled

from isthmus.core.errors import RunError
from isthmus.run_files.anomalies import AnomalyRecord
from isthmus.run_files.budget import Decision
from isthmus.run_files.calibration import CalibrationRecord
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import Cost, EvaluationRecord
from isthmus.run_files.export import ExportRecord
from isthmus.run_files.failed import Failure
from isthmus.run_files.findings import Findings
from isthmus.run_files.job import JobRecord
from isthmus.run_files.metrics import EpochRecord, StepRecord
from isthmus.run_files.read import read_record
from isthmus.run_files.record import FileRecord, Record
from isthmus.run_files.scores import IntervalRecord, Score
from isthmus.run_files.state import State
from isthmus.run_files.training import TrainingRecord
from isthmus.run_files.version import VersionRecord
from isthmus.run_files.write import as_json, write_record

FILES: list[type[FileRecord]] = [
    *(AnomalyRecord, CalibrationRecord),
    *(Decision, Environment, EvaluationRecord, ExportRecord, Failure, Findings, State, TrainingRecord),
    *(JobRecord, VersionRecord),
]


def test_the_page_in_docs_is_that_of_the_records() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "run `python docs/run_folder_tables.py`"
    for record in (*FILES, EpochRecord, StepRecord):
        assert f".{record.__name__} -->" in page


def test_a_changed_table_is_noticed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page.replace("Optimizer steps taken.", "Steps.")) == page


@pytest.mark.parametrize("record", [*FILES, EpochRecord, StepRecord])
def test_a_record_has_a_json_schema_in_which_every_field_is_explained(record: type[Record]) -> None:
    schema = record.model_json_schema()
    for one in (schema, *schema.get("$defs", {}).values()):
        for name, field in one.get("properties", {}).items():
            assert field.get("description") or "$ref" in field, name


def test_what_was_not_set_is_not_written_and_nan_is_null(tmp_path: Path) -> None:
    score = Score.model_validate({"psnr": IntervalRecord(mean=math.nan), "ssim": {"mean": 1, "low": 0.5}})
    assert as_json(score) == {"psnr": {"mean": None}, "ssim": {"mean": 1, "low": 0.5}}
    assert score.by_measure.keys() == {"psnr", "ssim"}
    write_record(tmp_path / "failed.json", Failure(error="why"))
    assert json.loads((tmp_path / "failed.json").read_text()) == {"format": 1, "error": "why"}


def test_whole_numbers_stay_whole() -> None:
    written = json.dumps(as_json(Cost(parameters=310, epochs=2.5)))
    assert written == '{"parameters": 310, "epochs": 2.5}'


@pytest.mark.parametrize(
    ("record", "content", "key"),
    [
        (Findings, {"study": "s", "variations": [{"name": "v", "scores": {"ssim": 3}}]}, "variations.0.scores.ssim"),
        (Findings, {"study": "s", "variations": [], "findings": [{"kind": "note"}]}, "findings.0.sentence"),
        (Decision, {"seconds": 1.0, "expected": 1.0, "share": 2.0, "variations": {}}, "share"),
        (Failure, {"error": 3}, "error"),
        (ExportRecord, {"recipe": "r", "data_hash": "h", "opset": "18", "graphs": []}, "opset"),
    ],
)
def test_a_wrong_type_is_one_sentence(tmp_path: Path, record: type[FileRecord], content: object, key: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(json.dumps(content))
    with pytest.raises(RunError, match=rf"file.json: cannot be read \({key}: ") as error:
        read_record(path, record)
    assert "\n" not in str(error.value)
