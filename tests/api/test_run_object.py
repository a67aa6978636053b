"""A run as an object: it stands for its folder, gives what the folder holds, and shows itself."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import TINY

import isthmus as ist
from isthmus.run_files.arrays import read_scores
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.read import read_json

SCENES: dict[str, Any] = {"kind": "scenes", "train": 60, "test": 10, "size": 16}
OPTIONS = {name: value for name, value in TINY.items() if not name.startswith("data.")} | {"train.kernels": "torch"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cache_of_module: None) -> ist.Run:
    """A finished run; not to be changed, but copied."""
    out = tmp_path_factory.mktemp("api") / "run"
    return ist.train("post/latent-10", data=SCENES, out=out, options=OPTIONS, show_progress=False, keep_optimizer=True)


@pytest.fixture
def copy(run: ist.Run, tmp_path: Path) -> Path:
    """The run's folder, to be damaged."""
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_a_run_goes_wherever_its_path_went(run: ist.Run) -> None:
    """`train` returned a Path before: code that was written then works as it did."""
    folder = Path(str(run))
    assert (run, hash(run)) == (folder, hash(folder))
    assert folder == run
    assert run != folder / "other"
    assert os.path.join(run, "recipe.toml") == str(run / "recipe.toml") == f"{run}/recipe.toml"
    assert type(run / "recipe.toml") is type(folder)
    with open(run / "recipe.toml", encoding="utf-8") as file:
        assert file.readline() == "format = 1\n"
    assert (run.name, run.parent, run.exists(), run.is_dir()) == ("run", folder.parent, True, True)
    assert {path.name for path in run.glob("*.json")} >= {"evaluation.json", "training.json"}
    assert "run" in os.listdir(run.parent)
    assert sorted([run, folder / "a", folder.parent]) == [folder.parent, folder, folder / "a"]
    assert folder.parent / run == folder
    assert pickle.loads(pickle.dumps(run)) == run


def test_a_run_is_taken_by_every_function_that_takes_a_path(run: ist.Run, copy: Path) -> None:
    there = ist.Run(copy)
    assert ist.load(there).latent_size == 3
    assert ist.sample(there, 2).shape == (2, 16, 16, 3)
    assert ist.export(there) == copy / "export"
    assert ist.train(there, show_progress=False) == there
    assert ist.doctor(there) == there.doctor
    assert ist.Run(there) == there


def test_a_name_that_neither_a_run_nor_a_path_has_is_an_error(run: ist.Run) -> None:
    with pytest.raises(AttributeError, match="a Run has no 'modle'"):
        _ = run.modle  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(run, "_ipython_display_")


def test_its_evaluation_has_types_and_is_never_out_of_date(copy: Path) -> None:
    run = ist.Run(copy)
    assert isinstance(run.evaluation, EvaluationRecord)
    assert (
        run.evaluation.scores["model"].psnr.mean
        == read_json(copy / "evaluation.json")["scores"]["model"]["psnr"]["mean"]
    )
    assert run.evaluation.against_pca.psnr.low < run.evaluation.against_pca.psnr.high
    text = (copy / "evaluation.json").read_text()
    (copy / "evaluation.json").write_text(text.replace('"name": "latent-10"', '"name": "renamed"'))
    assert run.evaluation.name == "renamed"


def test_its_model_is_loaded_once_and_makes_its_pictures(run: ist.Run) -> None:
    pictures = run.pictures()
    assert run.model is run.model
    assert np.array_equal(run.model.reconstruct(pictures["shown/original"]), pictures["shown/output"])
    assert {images.shape[1:] for images in pictures.values()} == {(16, 16, 3)}


@pytest.mark.parametrize("installed", [True, False])
def test_tables_are_pandas_where_it_is_installed(
    run: ist.Run, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else dictionaries, which answer to the same names."""
    if installed:
        kind = pytest.importorskip("pandas").DataFrame
    else:
        kind = dict
        monkeypatch.setitem(sys.modules, "pandas", None)
    scores, epochs, steps = run.per_image(), run.metrics(), run.metrics("steps")
    assert {type(table) for table in (scores, epochs, steps)} == {kind}
    assert scores["model_psnr"].mean() == read_scores(run / "per_image.parquet")["model_psnr"].mean()
    assert list(epochs["epoch"]) == [1, 2, 3]
    assert list(epochs["best"]).count(True) >= 1
    assert np.isfinite(np.asarray(epochs["validation_psnr"])).all()
    assert list(steps["step"]) == sorted(set(steps["step"]))
    assert "kind" not in steps
    assert np.asarray(steps["distortion"]).dtype == float


def test_steps_that_a_resumed_run_repeats_are_told_once(copy: Path) -> None:
    log = copy / "metrics.jsonl"
    lines = log.read_text().splitlines()
    again = next(line for line in lines if '"train"' in line)
    log.write_text("\n".join([*lines, again.replace('"loss": ', '"loss": 9')]) + "\n{cut")
    with pytest.warns(UserWarning, match=r"metrics.jsonl: 1 lines? cannot be read"):
        steps = ist.Run(copy).metrics("steps")
    assert len(steps["step"]) == sum('"train"' in line for line in lines)
    assert str(steps["loss"][0]).startswith("9")


def test_what_is_missing_is_one_sentence_with_a_remedy(copy: Path) -> None:
    run = ist.Run(copy)
    for name in ("evaluation.json", "per_image.parquet", "pictures.safetensors", "report.html"):
        (copy / name).unlink()
    for ask in (lambda: run.evaluation, run.per_image, run.pictures, lambda: run.doctor):
        with pytest.raises(ist.RunError, match=rf"{copy}.*`isthmus evaluate {copy}`"):
            ask()
    with pytest.raises(ist.InputError, match=rf"report.html: is missing; `isthmus report {copy}` writes it"):
        _ = run.report
    (copy / "metrics.jsonl").unlink()
    with pytest.raises(ist.RunError, match=r"metrics.jsonl: holds no epochs; "):
        run.metrics()
    with pytest.raises(ist.InputError, match=r"^of: 'weeks' does not fit: it needs 'epochs' or 'steps'$"):
        run.metrics("weeks")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("folder", "sentence"), [("nowhere", "not a run folder"), (3, "folder: 3 does not fit")])
def test_what_is_no_run_is_refused(folder: Any, sentence: str) -> None:
    with pytest.raises(ist.InputError, match=sentence):
        ist.Run(folder)


def test_a_damaged_best_checkpoint_is_told_where_the_model_is_asked_for(copy: Path) -> None:
    (copy / "checkpoints/best/model.safetensors").write_bytes(b"broken")
    with pytest.warns(UserWarning) as warned:
        _ = ist.Run(copy).model
    assert "using the last weights instead of the best" in str(warned[-1].message)
    assert {warning.filename for warning in warned} == {__file__}, "at the user's line"


def test_it_shows_itself_without_script_or_style_sheet(run: ist.Run, copy: Path) -> None:
    shown = run._repr_html_()
    assert f"Run({str(run)!r})" == repr(run)
    assert "beats PCA" in shown or "than PCA" in shown or "PCA with 3 components" in shown
    assert shown.index("PCA with 3 components") < shown.index("<table"), "the yardstick comes before the scores"
    assert not any(
        word in shown.lower() for word in ("<script", "<style", "javascript:", "http://", "https://", "onload")
    )
    assert shown.count("data:image/png;base64,") == 24, "eight originals, outputs and PCA's"
    assert len(shown) < 200_000
    (copy / "evaluation.json").write_text("{")
    assert "cannot be read" in ist.Run(copy)._repr_html_(), "a notebook would print a traceback"


def test_in_a_narrow_notebook_tables_scroll_and_drawings_shrink(run: ist.Run) -> None:
    shown = run._repr_html_()
    for before in shown.split("<table>")[:-1]:
        assert before.rstrip().endswith('<div style="overflow-x: auto; max-width: 100%">')
    (drawing,) = re.findall(r'<img src="data:image/svg[^>]*>', shown)
    assert "max-width: 100%; height: auto" in drawing


def test_names_from_a_run_cannot_bring_code_into_a_notebook(copy: Path) -> None:
    path = copy / "evaluation.json"
    path.write_text(path.read_text().replace('"name": "latent-10"', '"name": "<script>alert(1)</script>"'))
    shown = ist.Run(copy)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)" in shown
