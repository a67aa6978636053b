"""A study as an object: the dictionary of its findings, its table in four forms, and its runs."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.study_toml import NARROW_AND_WIDE, study_toml

import isthmus as ist
from isthmus.pages.study_table import TableCell, study_table
from isthmus.run_files.findings import Finding, Findings


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, cache_of_module: None) -> ist.Study:
    """Finished; not to be changed."""
    home = tmp_path_factory.mktemp("study")
    (home / "pair.toml").write_text(
        study_toml(
            NARROW_AND_WIDE,
            data=["train = 60", "test = 10", "size = 16"],
            train=["epochs = 1", 'device = "cpu"', 'kernels = "torch"'],
        )
    )
    return ist.study(home / "pair.toml", out=home / "out", show_progress=False)


def test_a_study_is_the_dictionary_that_it_was(study: ist.Study) -> None:
    """`study` returned a dictionary before: code that was written then works as it did."""
    held = json.loads((study / "findings.json").read_text())
    assert study == held
    assert isinstance(study, dict)
    assert json.loads(json.dumps(study)) == held
    assert study["findings"][0]["kind"] == "comparison"
    assert {**study}["seeds"] == study.get("seeds") == [0]


def test_it_stands_for_its_folder(study: ist.Study, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(study, tmp_path / "copy"))
    assert (study.path, str(study), repr(study)) == (study.path, str(study.path), f"Study({str(study.path)!r})")
    assert ist.Study(copy) == study
    assert study.report == study / "report.html"
    (copy / "report.html").unlink()
    with pytest.raises(ist.InputError, match=r"report.html: is missing; `isthmus report "):
        _ = ist.Study(copy).report


def test_its_findings_have_types_and_its_runs_are_runs(study: ist.Study) -> None:
    assert all(isinstance(finding, Finding) for finding in study.findings)
    assert [finding.sentence for finding in study.findings] == [one["sentence"] for one in study["findings"]]
    assert list(study.runs) == ["narrow/seed-0", "wide/seed-0"]
    assert study.runs["wide/seed-0"].model.latent_size == 8


def test_the_table_is_for_other_programs(study: ist.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers in full, with the ends of the intervals; units in the names."""
    rows = list(csv.DictReader(io.StringIO(study.table().csv())))
    assert [row["variation"] for row in rows] == ["narrow", "wide"]
    psnr = study["variations"][1]["scores"]["psnr"]
    assert [float(rows[1][f"psnr_db{end}"]) for end in ("", "_low", "_high")] == [
        psnr[n] for n in ("mean", "low", "high")
    ]
    assert float(rows[0]["over_pca_db"]) == study["variations"][0]["against_pca"]["psnr"]["mean"]
    monkeypatch.setitem(sys.modules, "pandas", None)
    numbers = study.table().numbers()
    assert isinstance(numbers, dict)
    assert list(numbers["latent_size"]) == [3, 8]
    monkeypatch.undo()
    frame = pytest.importorskip("pandas")
    assert isinstance(study.table().numbers(), frame.DataFrame)


def test_the_table_is_for_papers(study: ist.Study) -> None:
    psnr = study["variations"][0]["scores"]["psnr"]
    interval = f"{psnr['mean']:.2f} ({psnr['low']:.2f} to {psnr['high']:.2f})"
    markdown, latex = study.table().markdown(), study.table().latex()
    assert markdown == str(study.table())
    lines = markdown.splitlines()
    assert lines[0].startswith("| Variation | PSNR (dB) | Over PCA (dB) | ")
    assert len({line.count("|") for line in lines[:4]}) == 1
    assert interval in lines[2]
    assert "Intervals: 95 % over test images" in lines[-1]
    assert latex.splitlines()[-1] == r"\end{tabular}"
    assert interval in latex
    assert latex.count(r" \\") == 3
    assert "<b" not in study.table()._repr_html_().replace("<br>", "")


def test_names_keep_their_letters_in_every_form(study: ist.Study) -> None:
    """What LaTeX, Markdown, CSV and HTML read as commands is written as text."""
    name = r'50%_a|b & "c" <i>\d^~'
    held = json.loads(json.dumps(study))
    held["variations"][0]["name"] = name
    table = study_table(Findings.model_validate(held))
    assert r"50\%\_a\textbar{}b \& " in table.latex()
    assert r"\textbackslash{}d\textasciicircum{}\textasciitilde{} &" in table.latex()
    assert r"50%_a\|b & " in table.markdown()
    assert next(csv.DictReader(io.StringIO(table.csv())))["variation"] == name
    assert "&lt;i&gt;" in table._repr_html_()


def test_a_variation_without_a_run_is_in_the_table(study: ist.Study) -> None:
    held = json.loads(json.dumps(study))
    held["variations"][1] = {"name": "wide", "runs": [{"seed": 0, "folder": "wide/seed-0", "status": "failed"}]}
    table = study_table(Findings.model_validate(held))
    assert table.rows[1][:2] == [TableCell("wide"), TableCell("no finished run")]
    assert len(table.rows[1]) == len(table.rows[0]) == len(table.headings)
    last = list(csv.DictReader(io.StringIO(table.csv())))[1]
    assert (last["psnr_db"], last["seeds"]) == ("", "0")
    assert np.isnan(np.asarray(table.numbers()["latent_size"])[1])


def test_it_shows_its_findings_and_the_same_pictures_through_every_model(study: ist.Study, tmp_path: Path) -> None:
    shown = study._repr_html_()
    assert study.findings[0].sentence.split(":")[0].split(" (")[0] in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert shown.count("data:image/png;base64,") == 24, "eight originals, and the outputs of two models"
    assert not any(word in shown.lower() for word in ("<script", "<style", "http://", "https://"))
    copy = Path(shutil.copytree(study, tmp_path / "copy"))
    opened = ist.Study(copy)
    (copy / "wide/seed-0/evaluation.json").write_text("{")
    assert "cannot be read" in opened._repr_html_()


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("recipe.toml", "a run, not a study; open it with isthmus.Run"),
        ("study.toml", "a study without any finished run; `isthmus study .*` goes on with it"),
        ("else.txt", r"not a study folder \(no findings.json\); `isthmus study` makes one"),
    ],
)
def test_what_is_no_study_is_refused(file: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / file).touch()
    with pytest.raises(ist.InputError, match=sentence):
        ist.Study(tmp_path)
