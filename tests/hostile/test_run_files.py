"""The files of a run folder against their description: wrong types, missing keys, absurd numbers; and old folders."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file
from tests.command import assert_refused, isthmus
from tests.conftest import ROOT

from isthmus.core.errors import RunError
from isthmus.run_files.arrays import read_pictures, read_scores
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.read import read_log, read_record
from isthmus.run_files.state import State
from isthmus.run_files.training import TrainingRecord
from isthmus.runs.load import load_model
from isthmus.runs.run_folder import is_evaluated

OLD = ROOT / "tests" / "fixtures" / "run-1e26724"
FILES = {
    "evaluation.json": EvaluationRecord,
    "training.json": TrainingRecord,
    "environment.json": Environment,
    "checkpoints/best/state.json": State,
}
DEEP = "[" * 5000 + "]" * 5000


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of an old version, to be damaged."""
    return shutil.copytree(OLD, tmp_path / "run")


def change(path: Path, dotted: str, value: Any) -> None:
    table = json.loads(path.read_text())
    *tables, last = dotted.split(".")
    place = table
    for name in tables:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    path.write_text(json.dumps(table))


@pytest.mark.parametrize("name", ["run", "vae"])
def test_run_folders_of_old_stay_readable(name: str, tmp_path: Path) -> None:
    """Those that commit 1e26724 wrote: every file fits its description, and every verb does its work."""
    old = shutil.copytree(OLD.with_name(f"{name}-1e26724"), tmp_path / "run")
    for file, record in FILES.items():
        read_record(old / file, record)
    assert is_evaluated(old)
    assert read_log(old / "metrics.jsonl").unreadable == 0
    assert read_pictures(old / "pictures.safetensors").keys() == load_file(old / "pictures.safetensors").keys()
    assert len(read_scores(old / "per_image.parquet")["model_psnr"]) == 12
    model, notices = load_model(old, "cpu")
    assert (model.latent_size, notices) == (3, [])
    for verb in ("train", "report"):
        assert isthmus(verb, old).code == 0
    before = json.loads((old / "evaluation.json").read_text())
    assert isthmus("evaluate", old).code == 0
    after = json.loads((old / "evaluation.json").read_text())
    for who in ("model", "pca"):  # the score; its interval may be another version's
        assert after["scores"][who]["psnr"]["mean"] == pytest.approx(before["scores"][who]["psnr"]["mean"], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "dotted", "value"),
    [
        ("evaluation.json", "seed", "zero"),
        ("evaluation.json", "latent_size", True),
        ("evaluation.json", "latent_size", 0),
        ("evaluation.json", "scores.model.psnr", [1, 2]),
        ("evaluation.json", "scores.model.psnr.mean", "8.5"),
        ("evaluation.json", "data.test_images", 12.5),
        ("evaluation.json", "data.test_images", 10**30),
        ("evaluation.json", "shown", [-1]),
        ("evaluation.json", "flags", "none"),
        ("evaluation.json", "doctor", [{"rule": 3}]),
        ("evaluation.json", "name", ...),
        ("training.json", "epochs", "three"),
        ("training.json", "seconds", float("nan")),
        ("training.json", "steps", ...),
        ("environment.json", "data.hash", 3),
        ("environment.json", "data.image_shape", [3, 8]),
        ("environment.json", "data.image_shape", [3, -8, 8]),
        ("environment.json", "data.image_shape", [3, 10**6, 10**6]),
        ("environment.json", "device", None),
        ("checkpoints/best/state.json", "format", "1"),
        ("checkpoints/best/state.json", "digests", {"../../victim": "00"}),
    ],
)
def test_a_wrong_type_is_one_sentence_with_path_and_key(run: Path, name: str, dotted: str, value: Any) -> None:
    change(run / name, dotted, value)
    with pytest.raises(RunError, match=rf"{name}: cannot be read \(.*{dotted.rpartition('.')[2]}.*\); ") as error:
        read_record(run / name, FILES[name])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [DEEP, '{"seed": ' + "9" * 5000 + "}", "{" * 9, "", "\xff", "null", "[]"])
@pytest.mark.parametrize("name", FILES)
def test_what_json_cannot_bear_is_one_sentence(run: Path, name: str, content: str) -> None:
    (run / name).write_text(content, encoding="latin-1")
    with pytest.raises(RunError, match="cannot be read"):
        read_record(run / name, FILES[name])
    for verb in ("report", "doctor", *(["evaluate"] if content == DEEP else [])):
        answer = isthmus(verb, run)
        assert answer.code in (0, 1, 2)
        assert not answer.code or answer.err.count("\n") <= 2, answer


def test_nan_and_infinity_are_read_as_python_writes_them(run: Path) -> None:
    change(run / "evaluation.json", "scores.pca.psnr", {"mean": float("inf"), "low": float("nan"), "high": None})
    evaluation = read_record(run / "evaluation.json", EvaluationRecord)
    assert evaluation.scores["pca"].psnr.mean == float("inf")
    assert isthmus("report", run).code == 0


@pytest.mark.parametrize(
    ("dotted", "value"),
    [
        ("progress", "none"),
        ("progress.step", "12"),
        ("progress.step", -1),
        ("progress.seconds", float("nan")),
        ("progress.best_score", float("nan")),
        ("progress.best_score", float("-inf")),
        ("progress.best_score", float("inf")),
        ("progress.stopped", 3),
        ("progress.batch", 5),
        ("progress.unknown", 3),
        ("notes", []),
        ("digests", ...),
        ("digests", {}),
        ("digests", {"model.safetensors": None}),
    ],
)
def test_wrong_types_in_a_state_fall_back_to_the_older_checkpoint(run: Path, dotted: str, value: Any) -> None:
    last = run / "checkpoints" / "last"
    shutil.copytree(last, last.with_name("last.old"))
    change(last / "state.json", dotted, value)
    for name in ("training.json", "evaluation.json"):
        (run / name).unlink()
    answer = isthmus("train", run, "--resume")
    assert answer.code == 0, answer
    known = dotted == "progress.unknown"  # a key of a later version
    assert known or "using last.old" in answer.err


@pytest.mark.parametrize(
    ("name", "images"),
    [
        ("shown/output", np.zeros((12, 3, 8, 8), np.float32)),
        ("shown/output", np.zeros((12, 8, 8), np.uint8)),
        ("shown/output", np.zeros((2, 3, 8, 8), np.uint8)),
        ("best/original", np.zeros((0, 3, 8, 8), np.uint8)),
        ("samples", np.zeros((3, 1, 8, 8), np.uint8)),
    ],
)
def test_pictures_of_another_kind_are_one_sentence(run: Path, name: str, images: np.ndarray) -> None:
    path = run / "pictures.safetensors"
    save_file({**load_file(path), name: images}, path)
    assert_refused(isthmus("report", run), "pictures.safetensors", name.partition("/")[0], code=1)


@pytest.mark.parametrize(
    "dotted",
    ["data", "checkpoint", "cost", "cost.multiply_adds", "scores.pca", "scores.pca.components", "scores.model"],
)
def test_an_evaluation_that_lacks_what_all_have_is_made_again(run: Path, dotted: str) -> None:
    """Findings are made of it, and would end in the middle."""
    assert is_evaluated(run)
    change(run / "evaluation.json", dotted, ...)
    assert not is_evaluated(run)


@pytest.mark.parametrize("kind", ["text", "missing", "nothing", "short"])
def test_scores_of_another_kind_are_made_again(run: Path, kind: str) -> None:
    path = run / "per_image.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("model_psnr")
    if kind == "short":
        table = table.slice(0, 5)
    elif kind == "missing":
        table = table.remove_column(place)
    else:
        values = {"text": ["8.5"] * len(table), "nothing": pa.nulls(len(table), pa.float64())}
        table = table.set_column(place, "model_psnr", pa.array(values[kind]))
    pq.write_table(table, path)
    assert not is_evaluated(run)
    assert isthmus("train", run, "--resume", "-q").code == 0
    assert is_evaluated(run)


@pytest.mark.parametrize("kind", ["pipe", "endless", "loop", "folder"])
@pytest.mark.parametrize(
    "name",
    [
        *("evaluation.json", "environment.json", "metrics.jsonl", "recipe.toml", "checkpoints/best/state.json"),
        *("checkpoints/best/model.safetensors", "pictures.safetensors", "per_image.parquet"),
    ],
)
def test_what_is_no_file_is_not_read(run: Path, name: str, kind: str) -> None:
    """A pipe is waited for, and /dev/zero read, for ever."""
    path = run / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "loop" else "/dev/zero")
    for words in (["report", run], ["doctor", run], ["sample", run, "-n", 1, "-o", run / "out.png"]):
        answer = isthmus(*words)
        assert answer.code in (0, 1, 2)
        assert not answer.code or answer.err.splitlines()[-1].startswith("isthmus: "), answer


def test_a_report_says_what_it_leaves_out(run: Path) -> None:
    (run / "recipe.toml").write_text("")
    with (run / "metrics.jsonl").open("a") as log:
        log.write("garbage\n")
    answer = isthmus("report", run)
    assert answer.code == 0
    page = (run / "report.html").read_text()
    for sentence in ("metrics.jsonl holds 1 unreadable line; the training", "recipe.toml: has no [train]"):
        assert sentence in answer.err and sentence in page


def test_scores_that_no_page_needs_are_named_where_they_are_damaged(run: Path) -> None:
    change(run / "evaluation.json", "data.class_names", [])
    (run / "per_image.parquet").write_bytes(b"")
    answer = isthmus("report", run)
    assert answer.code == 0
    assert answer.err.startswith("per_image.parquet: cannot be read")


def test_a_report_replaces_what_isthmus_made_and_nothing_else(run: Path) -> None:
    page = run / "report.html"
    page.write_text("<p>my own notes</p>")
    assert_refused(isthmus("report", run), "report.html", "was not made by isthmus")
    assert page.read_text() == "<p>my own notes</p>"
    page.unlink()
    assert isthmus("report", run).code == 0
    earlier = page.read_text().replace('<meta name="generator" content="isthmus">\n', "")
    assert "generator" not in earlier
    page.write_text(earlier)
    assert isthmus("report", run).code == 0


def test_a_study_does_not_write_pages_into_folders_that_are_not_its_own(run: Path, tmp_path: Path) -> None:
    findings = {
        "study": "s",
        "variations": [{"name": "v", "runs": [{"seed": 0, "folder": "../run", "status": "done"}]}],
    }
    study = tmp_path / "study"
    study.mkdir()
    (study / "findings.json").write_text(json.dumps(findings))
    assert_refused(isthmus("report", study), "outside of the study", "run the study again", code=1)
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("file", ["recipe.toml", "environment.json"])
def test_a_model_that_the_weights_cannot_be_of_takes_no_memory(run: Path, tmp_path: Path, file: str) -> None:
    """Its sizes are told in words, and the way out is not that of a training: what is wrong is the folder."""
    if file == "recipe.toml":
        text = (run / file).read_text()
        assert text.count("dim = 3") == 1
        (run / file).write_text(text.replace("dim = 3", f"dim = {10**12}"))
        verbs = ("sample", "reconstruct", "export", "explore", "evaluate")
    else:
        change(run / file, "data.image_shape", [3, 16384, 16384])
        verbs = ("sample", "export")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "photo.png")
    for verb in verbs:
        given = {"reconstruct": (tmp_path / "photo.png",), "sample": ("-n", 1)}.get(verb, ())
        answer = isthmus(verb, run, *given)
        assert_refused(answer, "describe a model of", "B, and checkpoints/ holds 7.22 kB", "restore them", code=1)
        assert "train.batch" not in answer.err
