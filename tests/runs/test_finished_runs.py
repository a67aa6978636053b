"""What a finished run is: its scores are its own and of its weights, and a study reads it without touching it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from command import isthmus
from isthmus.core.locks import locked_file
from isthmus.pages.report.growing import GrowingReport
from isthmus.recipes.study_plan import load_plan
from isthmus.runs.executors.job import RunBegins, RunEvent, RunFailed
from isthmus.runs.run_folder import is_evaluated, is_finished
from isthmus.runs.study import FinishedRead, StudyEvent, study
from isthmus.training.events import Notice, Started
from isthmus.training.preview import Preview
from study_toml import NARROW_AND_WIDE, study_toml

DATA = ("train = 48", "test = 12", "size = 8")
TRAIN = ("epochs = 2", "batch = 16", 'device = "cpu"', 'precision = "fp32"')


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of two variations and two seeds; not to be changed, but copied."""
    home = tmp_path_factory.mktemp("finished")
    (home / "mine.toml").write_text(study_toml(NARROW_AND_WIDE, head=("seeds = 2",), data=DATA, train=TRAIN))
    for _ in events(home / "study", home / "mine.toml"):
        pass
    return home / "study"


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    return shutil.copytree(done, tmp_path / "study")


@pytest.fixture
def run(folder: Path) -> Path:
    return folder / "wide" / "seed-0"


def events(folder: Path, plan: Path | None = None, **options: Any) -> Iterator[StudyEvent]:
    loaded = load_plan(str(plan or folder / "study.toml"), options)
    return study(loaded, folder, folder.parent / "cache", command="isthmus study mine.toml")


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def change(path: Path, *keys: str, to: Any) -> None:
    table = place = read(path)
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    path.write_text(json.dumps(table))


def touched(events: Iterator[StudyEvent]) -> tuple[list[str], list[str]]:
    """The runs that were trained, and those that failed, as variation/seed."""
    trained, failed = list[str](), list[str]()
    for event in events:
        if isinstance(event, RunEvent) and isinstance(event.event, Started):
            trained.append(f"{event.job.variation}/{event.job.seed}")
        if isinstance(event, RunFailed):
            failed.append(f"{event.job.variation}/{event.job.seed}")
    return trained, failed


def forget_training(run: Path) -> None:
    """Leave the scores of weights that are gone."""
    (run / "training.json").unlink()
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").mkdir()


# The scores are those of the weights


def with_old_scores(run: Path) -> None:
    """Scores as older versions wrote them, of other weights: how long the training took is not among them."""
    change(run / "evaluation.json", "scores", "model", "psnr", "mean", to=99.0)
    change(run / "evaluation.json", "cost", "train_seconds", to=None)


def test_what_was_trained_again_is_scored_again(run: Path) -> None:
    with_old_scores(run)
    forget_training(run)
    answer = isthmus("train", run, "--resume")
    assert answer.code == 0, answer
    assert "holds no checkpoint to go on from, so it is trained from the start" in answer.err
    assert read(run / "evaluation.json")["scores"]["model"]["psnr"]["mean"] < 50
    before = (run / "evaluation.json").read_bytes()
    assert isthmus("evaluate", run).code == 0
    assert (run / "evaluation.json").read_bytes() == before


def test_a_study_scores_again_what_it_trained_again(folder: Path, run: Path) -> None:
    with_old_scores(run)
    forget_training(run)
    assert touched(events(folder)) == (["wide/0"], [])
    found = read(folder / "findings.json")["variations"][1]["scores"]["psnr"]["mean"]
    scores = [read(folder / f"wide/seed-{seed}/evaluation.json")["scores"]["model"]["psnr"] for seed in (0, 1)]
    assert found == pytest.approx(np.mean([score["mean"] for score in scores]))
    assert found < 50


def test_scores_older_than_the_weights_are_made_again(folder: Path, run: Path) -> None:
    """A process that ended between its training and its evaluation leaves weights that nobody has scored."""
    old = (run / "evaluation.json").read_bytes()
    forget_training(run)
    assert isthmus("train", run, "--resume", "-q").code == 0
    new = (run / "evaluation.json").read_bytes()
    (run / "evaluation.json").write_bytes(old)
    assert not is_evaluated(run)
    (run / "training.json").unlink()
    assert not is_evaluated(run)
    assert touched(events(folder)) == (["wide/0"], [])
    assert (run / "evaluation.json").read_bytes() == new


def test_other_weights_than_those_scored_are_scored(folder: Path, run: Path) -> None:
    (state,) = run.glob("checkpoints/best/state.json")
    change(state, "progress", "step", to=read(state)["progress"]["step"] + 1)
    assert not is_evaluated(run)
    assert touched(events(folder)) == ([], [])
    assert is_evaluated(run)


@pytest.mark.parametrize("name", ["training.json", "environment.json", "recipe.toml", "checkpoints/best/state.json"])
def test_a_damaged_file_contradicts_no_scores(run: Path, name: str) -> None:
    (run / name).write_text("{")
    assert is_evaluated(run)
    assert is_finished(run) == (name != "training.json")


# The scores are the run's own


@pytest.mark.parametrize("other", ["narrow/seed-0", "wide/seed-1"])
def test_the_scores_of_another_run_are_made_again(folder: Path, run: Path, other: str) -> None:
    before = (run / "evaluation.json").read_bytes()
    shutil.copy(folder / other / "evaluation.json", run)
    assert not is_evaluated(run)
    assert touched(events(folder)) == ([], [])
    assert (run / "evaluation.json").read_bytes() == before


@pytest.mark.parametrize(
    ("keys", "value"), [(["name"], "narrow"), (["seed"], 7), (["data", "hash"], "sha256:0"), (["data", "hash"], "")]
)
def test_scores_name_their_run_where_they_name_one(run: Path, keys: list[str], value: Any) -> None:
    change(run / "evaluation.json", *keys, to=value)
    assert is_evaluated(run) == (value == "")


# Pictures


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("{")


def of_another_kind(path: Path) -> None:
    save_file({**load_file(path), "shown/output": np.zeros((2, 3, 4))}, path)


@pytest.mark.parametrize("damage", [cut, empty, text, of_another_kind])
def test_a_study_mends_damaged_pictures(folder: Path, run: Path, damage: Callable[[Path], None]) -> None:
    pictures = run / "pictures.safetensors"
    before = pictures.read_bytes()
    damage(pictures)
    assert isthmus("study", folder, "-q").code == 0
    assert pictures.read_bytes() == before


def test_a_run_without_pictures_is_finished(run: Path) -> None:
    (run / "pictures.safetensors").unlink()
    assert is_finished(run)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_among_the_files_is_not_waited_for(run: Path) -> None:
    (run / "pictures.safetensors").unlink()
    os.mkfifo(run / "pictures.safetensors")
    assert not is_evaluated(run)


# What a study reads, it leaves alone


def test_a_finished_run_that_another_process_holds_is_read(folder: Path, run: Path) -> None:
    before = read(folder / "findings.json")["findings"]
    with locked_file(run / "lock", wait=False):
        assert touched(events(folder)) == ([], [])
    assert not (run / "failed.json").exists()
    assert read(folder / "findings.json")["findings"] == before


# A study goes on


def status(folder: Path) -> list[str]:
    return [run["status"] for row in read(folder / "findings.json")["variations"] for run in row["runs"]]


@pytest.mark.parametrize("added", [False, True])
def test_the_page_and_findings_of_a_study_that_goes_on_are_todays(folder: Path, added: bool) -> None:
    """Before the first training, and not as the finished study left them."""
    if not added:
        shutil.rmtree(folder / "wide" / "seed-0")
    begun, growing, page = False, GrowingReport(folder, "mine"), ""
    for event in events(folder, **({"seeds": 3} if added else {})):
        growing.show(event)
        if isinstance(event, FinishedRead):
            page = (folder / "report.html").read_text()
            assert status(folder) == (["done", "done", "missing"] * 2 if added else ["done", "done", "missing", "done"])
        if isinstance(event, RunEvent) and isinstance(event.event, Started):
            begun = True
            assert ("4 of the study&#39;s 6 runs" if added else "3 of the study&#39;s 4 runs") in page
        if isinstance(event, RunEvent) and isinstance(event.event, Preview):
            # the results stay on it, rather than the first pictures
            assert "of the study&#39;s" in (folder / "report.html").read_text()
    assert begun
    assert set(status(folder)) == {"done"}


def test_findings_whose_runs_are_gone_are_not_kept(folder: Path) -> None:
    shutil.rmtree(folder / "narrow")
    shutil.rmtree(folder / "wide")
    assert set(status(folder)) == {"done"}
    going = events(folder)
    assert isinstance(next(event for event in going if not isinstance(event, Notice)), RunBegins)
    assert set(status(folder)) == {"missing"}


# Failures


@pytest.mark.parametrize("name", ["evaluation.json", "training.json", "per_image.parquet", "pictures.safetensors"])
def test_a_folder_in_the_place_of_a_file_is_one_sentence(folder: Path, run: Path, name: str) -> None:
    """The same as the command line's, with what to do."""
    (run / name).unlink()
    (run / name).mkdir()
    answer = isthmus("study", folder, "-q")
    assert answer.code == 1
    (said,) = [row["sentence"] for row in read(folder / "findings.json")["findings"] if row["kind"] == "failure"]
    assert said == (
        f"wide, seed 0, failed: {run / name}: is a folder where a file is needed; remove the folder, or name a file"
    )
    (run / name).rmdir()
    assert isthmus("study", folder, "-q").code == 0
    assert set(status(folder)) == {"done"}
