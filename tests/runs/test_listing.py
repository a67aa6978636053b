"""`isthmus runs` shows every run whatever state it is in, loads no torch, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.command import assert_refused, environment, isthmus, train
from tests.conftest import ROOT
from tests.study_toml import NARROW_AND_WIDE, study_toml

import isthmus as ist
from isthmus.core import locks
from isthmus.core.locks import is_locked, locked_file
from isthmus.runs.listing import list_folder
from isthmus.runs.slim_all import slim_all


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, a study and an older version's run; not to be changed."""
    home = tmp_path_factory.mktemp("listing")
    (home / "mine.toml").write_text(
        study_toml(
            NARROW_AND_WIDE, data=("train = 48", "test = 12", "size = 8"), train=("epochs = 1", 'device = "cpu"')
        )
    )
    assert isthmus("study", home / "mine.toml", "-o", home / "runs" / "pair", "-q").code == 0
    assert train(home / "runs" / "one", "-q", "train.epochs=1").code == 0
    shutil.copytree(ROOT / "tests" / "fixtures" / "run-1e26724", home / "runs" / "older")
    return home / "runs"


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "runs"))


def listed(folder: Path, *words: Any) -> dict[str, dict[str, Any]]:
    answer = isthmus("runs", folder, "--json", *words)
    assert answer.code == 0, answer
    return {run["name"]: run for run in json.loads(answer.out)}


def test_every_run_is_listed_with_its_scores(runs: Path) -> None:
    found = listed(runs)
    assert list(found) == ["older", "one", "pair/narrow/seed-0", "pair/wide/seed-0"]
    evaluation = json.loads((runs / "one" / "evaluation.json").read_text())
    one = found["one"]
    assert one["psnr_db"] == evaluation["scores"]["model"]["psnr"]
    assert one["over_pca_db"] == evaluation["against_pca"]["psnr"]
    assert (one["state"], one["recipe"], one["data"], one["study"]) == ("finished", "latent-10", "scenes", None)
    assert one["bytes"] == sum(path.stat().st_size for path in (runs / "one").rglob("*") if path.is_file())
    assert 0 <= one["age_seconds"] < 3600
    assert found["pair/wide/seed-0"]["study"] == "pair"
    assert found["older"]["state"] == "finished" and found["older"]["psnr_db"]["mean"] > 0


def test_a_table_for_people_has_a_line_for_each_study(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = isthmus("runs", runs).out.splitlines()
    assert lines[0].split()[:4] == ["name", "recipe", "data", "state"]
    assert any(line.startswith("pair") and "(study)" in line and "all 2 finished" in line for line in lines)
    assert any(line.startswith("  wide/seed-0") for line in lines)
    assert lines[-1].startswith("4 runs, 2 of them in 1 study, ")


def test_states(runs: Path) -> None:
    """Half-written, failed, damaged, in use, and of a version whose files cannot be read: each is a row."""
    for name in ("begun", "cut", "failed", "busy", "newer", "garbled"):
        shutil.copytree(runs / "one", runs / name)
    (runs / "begun" / "evaluation.json").unlink()
    (runs / "begun" / "training.json").unlink()
    (runs / "cut" / "evaluation.json").write_text('{"format": 1, "na')
    (runs / "failed" / "evaluation.json").unlink()
    (runs / "failed" / "failed.json").write_text('{"format": 1, "error": "no luck"}')
    (runs / "newer" / "evaluation.json").write_text('{"format": 9, "name": {"en": "x"}, "scores": []}')
    (runs / "garbled" / "evaluation.json").unlink()
    (runs / "garbled" / "recipe.toml").write_bytes(b"\xff\xfe[")
    with locked_file(runs / "busy" / "lock", wait=True):
        found = listed(runs)
    states = {name: found[name]["state"] for name in ("begun", "cut", "failed", "busy", "newer", "garbled")}
    assert states == {
        **{"begun": "unfinished", "cut": "unreadable", "failed": "failed", "busy": "in use"},
        **{"newer": "unreadable", "garbled": "unreadable"},
    }
    assert found["failed"]["why"] == "no luck"
    assert "evaluation.json cannot be read" in found["cut"]["why"]
    assert found["begun"]["recipe"] == "latent-10" and found["begun"]["psnr_db"] is None
    answer = isthmus("runs", runs)
    assert answer.code == 0 and "Traceback" not in answer.err
    assert answer.err.count("\n") == 4, "a line for each that failed or cannot be read"


def test_what_is_no_run_is_passed_over_in_a_line(runs: Path, tmp_path: Path) -> None:
    for name in ("notes", "photos", "more"):
        (runs / name).mkdir()
    (runs / "group").mkdir()
    shutil.copytree(runs / "one", runs / "group" / "inner")
    (runs / "letter.txt").write_text("dear diary")
    (runs / "loop").symlink_to(runs)
    (runs / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(runs / "pipe")
    answer = isthmus("runs", runs)
    assert answer.code == 0
    assert sorted(answer.err.splitlines()) == [
        "No run folder, but holds some, which `isthmus runs` of that folder lists: group.",
        "No run folder: more, notes, photos.",
        "Not followed, because it is a link: loop.",
    ]
    assert len(listed(runs)) == 4
    assert list(listed(runs / "group")) == ["inner"]


def test_hostile_names_and_files(runs: Path) -> None:
    """Control characters are shown escaped; a pipe in the place of a file is not waited for."""
    shutil.copytree(runs / "one", runs / "red\x1b[31m")
    shutil.copytree(runs / "one", runs / "piped")
    (runs / "piped" / "evaluation.json").unlink()
    os.mkfifo(runs / "piped" / "evaluation.json")
    (runs / "piped" / "lock").unlink()
    (runs / "piped" / "lock").symlink_to("/dev/null")
    answer = isthmus("runs", runs)
    assert answer.code == 0 and "\x1b" not in answer.out and "red\\x1b[31m" in answer.out
    assert "piped: unreadable: evaluation.json cannot be read" in answer.err


def test_filters(runs: Path) -> None:
    assert list(listed(runs, "-f", "recipe=wide,narrow")) == ["pair/narrow/seed-0", "pair/wide/seed-0"]
    assert list(listed(runs, "-f", "pair/*", "-f", "recipe=W*")) == ["pair/wide/seed-0"]
    assert list(listed(runs, "-f", "study=pair", "-f", "state=finished")) == ["pair/narrow/seed-0", "pair/wide/seed-0"]
    assert listed(runs, "-f", "state=failed") == {}
    assert "holds no run for which the filter holds" in isthmus("runs", runs, "-f", "data=cifar*").err
    assert_refused(isthmus("runs", runs, "-f", "state=finnished"), "'finnished' is no state", "unfinished")
    assert_refused(isthmus("runs", runs, "-f", "colour=red"), "'colour=red' does not fit: give one of name, study")


def test_sorting_keeps_a_studys_runs_together(runs: Path) -> None:
    found = list(listed(runs, "--sort", "score").values())
    single = [run for run in found if run["study"] is None]
    assert [run["psnr_db"]["mean"] for run in single] == sorted((r["psnr_db"]["mean"] for r in single), reverse=True)
    assert len({run["study"] == "pair" for run in found[:2]}) or len(found) == 4
    places = [place for place, run in enumerate(found) if run["study"] == "pair"]
    assert places[1] == places[0] + 1
    sizes = [run["bytes"] for run in listed(runs / "pair", "-s", "size").values()]
    assert sizes == sorted(sizes, reverse=True)
    assert_refused(isthmus("runs", runs, "--sort", "colour"), "--sort: 'colour' does not fit: it is one of name")


def test_a_folder_may_be_a_run_or_a_study(runs: Path, tmp_path: Path) -> None:
    assert list(listed(runs / "one")) == ["one"]
    assert list(listed(runs / "pair")) == ["narrow/seed-0", "wide/seed-0"]
    (tmp_path / "empty").mkdir()
    answer = isthmus("runs", tmp_path / "empty")
    assert (answer.code, answer.out) == (0, "") and "holds no run." in answer.err
    assert_refused(isthmus("runs", tmp_path / "nowhere"), "no such folder")
    (tmp_path / "a.txt").write_text("")
    assert_refused(isthmus("runs", tmp_path / "a.txt"), "a.txt: a file; name a folder of runs")


def test_listing_changes_nothing(runs: Path) -> None:
    (runs / "one" / "lock").unlink()
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    isthmus("runs", runs)
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == before


def test_in_python_rows_are_typed(runs: Path) -> None:
    first, *_ = ist.list_runs(runs, filters=["one"])
    assert (first.folder, first.state, first.psnr.low < first.psnr.mean) == (runs / "one", "finished", True)
    with pytest.raises(ist.InputError, match="no such folder"):
        ist.list_runs(runs / "nowhere")


def test_no_torch_is_loaded(runs: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['runs', sys.argv[1]]\n"
        "from isthmus.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules or 'pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(runs)], env=environment(), capture_output=True, check=False)
    assert done.returncode == 0 and b"wide/seed-0" in done.stdout


def test_whether_a_lock_is_held_is_seen_without_a_trace(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    assert not is_locked(lock) and not lock.exists()
    with locked_file(lock, wait=False):
        assert is_locked(lock)
    assert not is_locked(lock)


def test_whoever_begins_to_train_waits_while_a_lock_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For an instant, which is long here; after it, another process is at work."""
    lock, tried, taken = tmp_path / "lock", threading.Event(), list[bool]()

    def try_it() -> None:
        with locked_file(lock, wait=True):
            tried.set()
            time.sleep(0.05)

    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 60.0)
    other = threading.Thread(target=try_it)
    other.start()
    tried.wait()
    with locked_file(lock, wait=False):
        taken.append(True)
    other.join()
    assert taken == [True]
    monkeypatch.setattr(locks, "_PATIENCE_SECONDS", 0.0)
    with locked_file(lock, wait=True), pytest.raises(BlockingIOError), locked_file(lock, wait=False):
        pass


def test_a_study_without_runs_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty-study").mkdir()
    (tmp_path / "empty-study" / "study.toml").write_text("")
    assert list_folder(tmp_path).passed_over == ("A study without any run: empty-study.",)


def test_a_run_in_a_folder_called_seed_hides_no_other(runs: Path) -> None:
    """`isthmus train -o runs/mine/seed-0` makes no study of runs/."""
    shutil.copytree(runs / "one", runs / "mine" / "seed-0")
    found = listed(runs)
    assert list(found) == ["mine/seed-0", "older", "one", "pair/narrow/seed-0", "pair/wide/seed-0"]
    assert found["mine/seed-0"]["study"] is None and found["pair/wide/seed-0"]["study"] == "pair"
    assert len(list(slim_all([runs], dry=True))) == 5


@pytest.mark.parametrize("started", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_date_that_no_clock_has_stops_no_list(runs: Path, started: str) -> None:
    environment = json.loads((runs / "one" / "environment.json").read_text())
    (runs / "one" / "environment.json").write_text(json.dumps({**environment, "started": started}))
    found = listed(runs)
    assert len(found) == 4 and found["one"]["state"] == "finished"


def test_a_list_reads_no_recipe_of_a_million_lines(runs: Path) -> None:
    (runs / "one" / "evaluation.json").unlink()
    (runs / "one" / "recipe.toml").write_text("# a line\n" * 100_000)
    assert "more than 300,000 bytes" in listed(runs)["one"]["why"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no line feeds in names")
def test_each_run_is_one_row_of_every_table(runs: Path) -> None:
    (runs / "one").rename(runs / "a\nb")
    (runs / "older" / "failed.json").write_text(json.dumps({"error": "no luck\n" * 1000}))
    answer = isthmus("runs", runs)
    assert any(line.startswith("a\\nb ") for line in answer.out.splitlines()) and len(answer.err) < 1000
    for words in (["table", runs / "a\nb"], ["table", runs / "a\nb", "--latex"], ["table", runs / "a\nb", "--csv"]):
        assert not any(line.startswith("b") for line in isthmus(*words).out.splitlines()), words


def test_a_link_to_itself_stops_no_list(runs: Path) -> None:
    (runs / "loop").symlink_to("loop")
    (runs / "gone").symlink_to("nowhere")
    assert len(listed(runs)) == 4
