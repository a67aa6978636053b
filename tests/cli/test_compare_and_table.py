"""Runs from anywhere beside each other: paired on the same test images or refused, as a page, as tables."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.command import assert_refused, isthmus, train
from tests.conftest import ROOT
from tests.study_toml import NARROW_AND_WIDE, study_toml

import isthmus as ist
from isthmus.evaluation.statistics.intervals import paired_difference
from isthmus.run_files.arrays import read_scores


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs `a`, `b` (another recipe), `c` (other images) and the study `pair` of two seeds; not to be changed."""
    home = tmp_path_factory.mktemp("compare")
    assert train(home / "a", "-q").code == 0
    assert train(home / "b", "-q", "bottleneck.dim=8").code == 0
    assert train(home / "c", "-q", "data.test=20", "train.epochs=1").code == 0
    (home / "mine.toml").write_text(
        study_toml(
            NARROW_AND_WIDE,
            head=("seeds = 2",),
            data=("train = 48", "test = 12", "size = 8"),
            train=("epochs = 1", 'device = "cpu"'),
        )
    )
    assert isthmus("study", home / "mine.toml", "-o", home / "pair", "-q").code == 0
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(made, tmp_path / "home"))
    monkeypatch.chdir(folder)
    return folder


def compared(*words: Any) -> dict[str, Any]:
    answer = isthmus("compare", *words, "--json")
    assert answer.code == 0, answer
    return json.loads(answer.out)


def test_the_difference_is_paired_image_by_image(home: Path) -> None:
    (finding,) = [one for one in compared("a", "b")["findings"] if one["kind"] == "comparison"]
    scores = [read_scores(home / name / "per_image.parquet")["model_psnr"][None] for name in ("b", "a")]
    expected = paired_difference(*scores)
    assert (finding["variation"], finding["against"], finding["about"]) == ("b", "a", "models")
    assert finding["difference"] == pytest.approx(expected.mean)
    assert (finding["low"], finding["high"], finding["p"]) == pytest.approx((expected.low, expected.high, expected.p))
    assert finding["difference"] == pytest.approx(float(np.mean(scores[0] - scores[1])))


def test_what_was_changed_is_recorded(home: Path) -> None:
    rows = compared("a", "b")["variations"]
    assert [row["changes"] for row in rows] == [{}, {"bottleneck.dim": 8}]


def test_several_are_compared_with_the_first_and_corrected(home: Path) -> None:
    shutil.copytree("a", "a2")
    found = [one for one in compared("a", "b", "a2")["findings"] if one["kind"] == "comparison"]
    assert [(one["variation"], one["against"]) for one in found] == [("b", "a"), ("a2", "a")]
    assert [one["corrected"]["comparisons"] for one in found] == [2, 2]
    assert found[1]["verdict"] == "no measurable difference"


def test_a_variations_seeds_are_averaged_as_in_its_study(home: Path) -> None:
    ours = next(one for one in compared("pair/narrow", "pair/wide")["findings"] if one["kind"] == "comparison")
    theirs = json.loads((home / "pair" / "findings.json").read_text())["findings"]
    study = next(one for one in theirs if one["kind"] == "comparison")
    assert ours == study


def test_the_table_the_page_and_the_sentence(home: Path) -> None:
    answer = isthmus("compare", "a", "b")
    assert answer.code == 0, answer
    assert "b against a: " in answer.out or "than a " in answer.out or "b beats a" in answer.out
    assert answer.out.splitlines()[-1] == f"Page: {home / 'comparison.html'}"
    page = (home / "comparison.html").read_text()
    assert "isthmus comparison" in page and "a and b" in page and '<img src="data:image/' in page
    assert "explorer.html" not in page
    assert "What this comparison cannot say" in page and "this study" not in page
    assert "isthmus explore ." not in page, "a folder of runs that were only compared is no study"
    assert isthmus("compare", "a", "b", "-o", "pages/deep/x.html").code == 0, "from another folder too"
    assert (home / "pages" / "deep" / "x.html").is_file()


def test_unlike_images_are_refused_and_named(home: Path) -> None:
    for words in (("a", "c"), ("a", "b", "c")):
        assert_refused(
            isthmus("compare", *words),
            "c and a: were tested on different images (20 and 12 of them, data.test is 20 and 12), so their scores",
        )
    assert_refused(isthmus("compare", "a", "pair/wide"), "wide/seed-0 and a: ", "train both with the same data")
    change(home / "b" / "evaluation.json", "source", "another")
    change(home / "b" / "evaluation.json", "test_hash", "sha256:0")
    assert_refused(
        isthmus("compare", "a", "b"), "(12 images of another and 12 images of scenes, drawn by code, seed 0)"
    )
    change(home / "b" / "evaluation.json", "test_hash", "")
    change(home / "b" / "evaluation.json", "hash", "sha256:1")
    assert_refused(isthmus("compare", "a", "b"), "not recorded on which images b was tested; `isthmus evaluate b`")
    assert not (home / "comparison.html").exists()


def change(path: Path, key: str, value: str) -> None:
    record = json.loads(path.read_text())
    record["data"][key] = value
    path.write_text(json.dumps(record))


def test_an_older_versions_runs_are_compared_by_the_hash_they_have(home: Path) -> None:
    for name in ("old", "old2"):
        shutil.copytree(ROOT / "tests" / "fixtures" / "run-1e26724", home / name)
    found = [one for one in compared("old", "old2")["findings"] if one["kind"] == "comparison"]
    assert [one["verdict"] for one in found] == ["no measurable difference"]


def test_what_cannot_be_compared_is_one_sentence(home: Path) -> None:
    assert_refused(isthmus("compare", "a"), "needs two or more runs; name another")
    assert_refused(isthmus("compare", "a", "a/"), "is named twice; name each run once")
    assert_refused(isthmus("compare", "a", "pair"), "pair: a study, not a run; name one of the runs in it")
    assert_refused(isthmus("compare", "a", "nowhere"), "nowhere: not a run folder")
    assert_refused(isthmus("compare", "a", "b", "-o", "x.png"), "x.png: the page of a comparison is HTML; give --out")
    (home / "mine.html").write_text("dear diary")
    assert_refused(isthmus("compare", "a", "b", "-o", "mine.html"), "was not made by isthmus; choose another")
    assert (home / "mine.html").read_text() == "dear diary"
    assert_refused(isthmus("compare", "pair/wide", "pair/wide/seed-0"), "wide/seed-0: is named twice; name")
    scores = (home / "b" / "per_image.parquet").read_bytes()
    for left in (scores[:100], None):
        (home / "b" / "per_image.parquet").unlink()
        if left is not None:
            (home / "b" / "per_image.parquet").write_bytes(left)
        assert_refused(isthmus("compare", "a", "b"), "b: its scores are not whole; `isthmus evaluate b` writes them")
    (home / "b" / "per_image.parquet").write_bytes(scores)
    (home / "b" / "failed.json").write_text('{"error": "no luck"}')
    assert_refused(isthmus("compare", "a", "b"), "b: failed when it was last trained; `isthmus runs b` says why")
    (home / "b" / "evaluation.json").rename(home / "kept.json")
    assert_refused(isthmus("compare", "a", "b"), "b: failed when it was last trained; ")
    (home / "b" / "failed.json").unlink()
    (home / "kept.json").rename(home / "b" / "evaluation.json")
    (home / "b" / "evaluation.json").write_text("{")
    assert_refused(isthmus("compare", "a", "b"), "evaluation.json: cannot be read", code=1)
    (home / "b" / "evaluation.json").unlink()
    assert_refused(isthmus("compare", "a", "b"), "b: has no scores yet; `isthmus evaluate b` scores it")
    (home / "b" / "training.json").unlink()
    assert_refused(isthmus("compare", "a", "b"), "b: has no scores yet; `isthmus train b --resume` goes on with it")
    (home / "b" / "recipe.toml").write_text("[")
    assert_refused(isthmus("compare", "a", "b"), "b/recipe.toml: not a TOML file")


def test_rows_in_another_order_are_paired_by_their_image(home: Path) -> None:
    """per_image.parquet may have been sorted by a score; `index` says which test image a row is of."""
    differences = [one for one in compared("a", "b")["findings"] if one["kind"] == "comparison"]
    file = home / "b" / "per_image.parquet"
    table = pq.read_table(file)
    pq.write_table(table.sort_by("model_psnr"), file)
    assert pq.read_table(file)["index"].to_pylist() != table["index"].to_pylist()
    assert [one for one in compared("a", "b")["findings"] if one["kind"] == "comparison"] == differences
    twice = table.set_column(0, "index", pa.array([0, *range(len(table) - 1)]))
    pq.write_table(twice, file)
    assert_refused(isthmus("compare", "a", "b"), "b: its scores are not whole; `isthmus evaluate b` writes them")


def test_in_python(home: Path) -> None:
    found = ist.compare([ist.Run("a"), "b"], out=home / "page.html")
    assert [one.variation for one in found.findings if one.kind == "comparison"] == ["b"]
    assert found.page == home / "page.html" and (home / "page.html").is_file()
    assert list(found.table().columns["variation"]) == ["a", "b"]
    with pytest.raises(ist.InputError, match="two or more"):
        ist.compare(["a"])


# Tables


def test_a_studys_table_in_all_forms(home: Path) -> None:
    table = ist.Study("pair").table()
    assert isthmus("table", "pair").out == table.markdown() == isthmus("table", "pair", "--markdown").out
    assert isthmus("table", "pair", "--csv").out == table.csv()
    assert isthmus("table", "pair", "--latex").out == "% isthmus table\n" + table.latex()
    rows = json.loads(isthmus("table", "pair", "--json").out)
    assert [row["variation"] for row in rows] == ["narrow", "wide"]
    assert rows[0]["psnr_db"] == table.columns["psnr_db"][0]


def test_runs_are_rows_of_a_table(home: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(isthmus("table", "a", "pair/wide", "--csv").out)))
    assert [(row["variation"], row["seeds"]) for row in rows] == [("a", "1"), ("wide", "2")]
    evaluation = json.loads((home / "a" / "evaluation.json").read_text())
    assert float(rows[0]["psnr_db"]) == evaluation["scores"]["model"]["psnr"]["mean"]
    assert "Not all were scored on the same images, so rows cannot be compared: " in isthmus("table", "a", "c").out
    assert "Not all" not in isthmus("table", "a", "b").out


def test_runs_without_a_result_are_named(home: Path) -> None:
    """Failed and missing ones, in the table's notes and for those who read only numbers."""
    (home / "pair" / "wide" / "seed-1" / "failed.json").write_text('{"format": 1, "error": "no luck"}')
    findings = json.loads((home / "pair" / "findings.json").read_text())
    findings["variations"][1]["runs"][1] |= {"status": "failed", "error": "no luck"}
    (home / "pair" / "findings.json").write_text(json.dumps(findings))
    for words in (("pair",), ("pair", "--latex")):
        answer = isthmus("table", *words)
        assert answer.code == 0 and "Without a result: wide, seed 1 (failed)." in answer.out
        assert "wide, seed 1 (failed)" in answer.err
    assert isthmus("table", "pair", "--csv").err == "Without a result: wide, seed 1 (failed).\n"
    (home / "b" / "evaluation.json").unlink()
    answer = isthmus("table", "a", "b")
    assert answer.code == 0 and "b, seed 0 (missing)" in answer.err and "no finished run" in answer.out


def test_files_are_named_by_their_ending_and_nothing_else_is_overwritten(home: Path) -> None:
    for name, form in (("t.csv", "--csv"), ("t.tex", "--latex"), ("t.md", "--markdown"), ("t.json", "--json")):
        for _ in range(2):  # the second replaces the first
            answer = isthmus("table", "pair", "-o", name)
            assert (answer.code, answer.out) == (0, f"{name}\n"), answer
        assert (home / name).read_text() == isthmus("table", "pair", form).out
    (home / "mine.csv").write_text("a,b\n1,2\n")
    assert_refused(isthmus("table", "pair", "-o", "mine.csv"), "was not made by isthmus; choose another")
    assert (home / "mine.csv").read_text() == "a,b\n1,2\n"
    assert_refused(isthmus("table", "pair", "-o", "t.png"), "a table is written as .csv, .tex, .md, .json; give --out")
    assert_refused(isthmus("table", "pair", "-o", "t.tex", "--csv"), "does not end as --csv does; ")
    assert_refused(isthmus("table", "pair", "--csv", "--latex"), "--csv and --latex exclude each other; ")


def test_what_has_no_table_is_one_sentence(home: Path) -> None:
    assert_refused(isthmus("table", "pair", "a"), "pair: a study; its table is made alone")
    assert_refused(isthmus("table", "nowhere"), "nowhere: not a run folder")
    (home / "pair" / "findings.json").unlink()
    assert_refused(isthmus("table", "pair"), "a study without any finished run; `isthmus study pair` goes on with it")
    (home / "pair" / "findings.json").write_text("{")
    assert_refused(isthmus("table", "pair"), "findings.json: cannot be read", "`isthmus study pair`", code=1)


def test_no_text_of_a_run_is_read_as_a_mark_of_the_table(home: Path) -> None:
    """A name becomes text of LaTeX and Markdown, and what a run says of its images stays in the comment."""
    name = "a_b & 5% | <i> {*} $x^~`\\n" if os.name != "nt" else "a_b & 5%"
    shutil.copytree("a", home / name)
    record = json.loads((home / name / "evaluation.json").read_text())
    record["data"]["source"] = "pictures\n\\input{secret}"
    (home / name / "evaluation.json").write_text(json.dumps(record))
    latex = isthmus("table", name, "--latex").out.splitlines()
    assert not any(line.startswith("\\input") for line in latex)
    row = next(line for line in latex if line.startswith("a\\_b \\& 5\\%"))
    assert row.endswith("\\\\") and len(re.findall(r"(?<!\\)&", row)) == 10
    markdown = isthmus("table", name, "--markdown").out.splitlines()
    assert len(re.findall(r"(?<!\\)\|", markdown[2])) == 12
    if os.name != "nt":
        assert "\\textbar{} \\textless{}i\\textgreater{} \\{*\\} \\$x\\textasciicircum{}" in row
        assert "\\| \\<i> {\\*} $x^~\\`" in markdown[2]
