"""`isthmus remove` removes what isthmus wrote, after asking; whatever else is there, it removes nothing."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

import pytest
from tests.command import assert_refused, isthmus, train
from tests.study_toml import NARROW_AND_WIDE, study_toml

from isthmus.core.errors import RunError
from isthmus.core.locks import locked_file
from isthmus.pages.explorer import is_built
from isthmus.run_files.calibration import NAME as CALIBRATION
from isthmus.runs import remove as removing
from isthmus.runs.anomaly_findings import NAME as ANOMALIES
from isthmus.runs.claim import locked
from isthmus.runs.contents import contents_of_run
from isthmus.runs.remove import Removable, removable, remove


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and a study; not to be changed."""
    home = tmp_path_factory.mktemp("remove")
    (home / "mine.toml").write_text(
        study_toml(
            NARROW_AND_WIDE, data=("train = 48", "test = 12", "size = 8"), train=("epochs = 1", 'device = "cpu"')
        )
    )
    assert isthmus("study", home / "mine.toml", "-o", home / "runs" / "pair", "-q").code == 0
    assert train(home / "runs" / "one", "-q", "train.epochs=1", "--keep-optimizer").code == 0
    return home / "runs"


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "runs"))


def everything(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def answering(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{word}\n"))


def test_a_run_and_a_study_are_removed_whole(runs: Path) -> None:
    size = sum(path.stat().st_size for path in runs.rglob("*") if path.is_file())
    answer = isthmus("remove", runs / "one", runs / "pair", "--yes")
    assert answer.code == 0, answer
    assert everything(runs) == set()
    assert answer.out.splitlines()[:2] == [f"{runs / 'one'}: removed", f"{runs / 'pair'}: removed"]
    assert answer.out.splitlines()[2] == f"{size / 1000:,.3g} kB freed." or "freed." in answer.out


def test_it_asks_first(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(runs)
    for word in ("n", "", "yess"):
        answering(word, monkeypatch)
        answer = isthmus("remove", runs / "one")
        assert answer.code == 1 and "Remove 1 folder, " in answer.err and "Nothing was removed." in answer.err
        assert everything(runs) == before
    answering("y", monkeypatch)
    assert isthmus("remove", runs / "one").code == 0
    assert not (runs / "one").exists()
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert_refused_and_whole(runs, ("pair",), "no terminal to answer at; add --yes", ask=True)


def test_a_dry_run_removes_nothing(runs: Path) -> None:
    before = everything(runs)
    answer = isthmus("remove", runs / "pair", "--dry-run")
    assert answer.code == 0 and f"{runs / 'pair'}: study of 2 runs, " in answer.out and "would be removed" in answer.out
    assert everything(runs) == before


def assert_refused_and_whole(runs: Path, names: tuple[str, ...], *parts: str, code: int = 2, ask: bool = False) -> None:
    before = everything(runs)
    answer = isthmus("remove", *(runs / name for name in names), *([] if ask else ["--yes"]))
    if ask:
        assert answer.code == code and all(part in answer.err for part in parts), answer
    else:
        assert_refused(answer, *parts, code=code)
    assert everything(runs) == before


def test_a_folder_with_files_of_somebody_else_is_refused(runs: Path) -> None:
    """Also deep inside, and then the good ones that were named beside it stay too."""
    (runs / "one" / "notes.txt").write_text("dear diary")
    (runs / "one" / "checkpoints" / "best" / "mine").mkdir()
    assert_refused_and_whole(runs, ("pair", "one"), "did not write there (", "checkpoints/best/mine", "notes.txt")
    (runs / "pair" / "wide" / "drafts").mkdir()
    assert_refused_and_whole(runs, ("pair",), "wide/drafts", "move it away")


def test_links_are_neither_followed_nor_removed(runs: Path, tmp_path: Path) -> None:
    (runs / "link").symlink_to(runs / "one")
    assert_refused_and_whole(runs, ("link",), "is a link", "name the folder itself")
    victim = tmp_path / "victim"
    victim.write_text("dear diary")
    (runs / "one" / "report.html").unlink()
    (runs / "one" / "report.html").symlink_to(victim)
    assert_refused_and_whole(runs, ("one",), "report.html")
    shutil.move(runs / "pair" / "wide", tmp_path / "wide")
    (runs / "pair" / "wide").symlink_to(tmp_path / "wide")
    assert_refused_and_whole(runs, ("pair",), "(wide)")
    assert victim.read_text() == "dear diary" and (tmp_path / "wide" / "seed-0" / "recipe.toml").is_file()


def test_what_is_in_use_is_refused(runs: Path) -> None:
    """A run, a study with such a run, and a run of a study that is at work."""
    with locked_file(runs / "one" / "lock", wait=True):
        assert_refused_and_whole(runs, ("one",), "is in use by another process; wait", code=1)
    with locked_file(runs / "pair" / "wide" / "seed-0" / "lock", wait=True):
        assert_refused_and_whole(runs, ("pair",), "wide/seed-0: is in use", code=1)
    with locked_file(runs / "pair" / "lock", wait=True):
        assert_refused_and_whole(runs, ("pair/wide/seed-0",), "pair: is in use", code=1)


def test_what_is_no_run_is_refused(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (runs / "mine").mkdir()
    (runs / "mine" / "recipe.toml").write_text("[train]\nepochs = 3\n")
    assert_refused_and_whole(runs, ("mine",), "holds only recipe.toml, which may be yours; remove")
    (runs / "photos").mkdir()
    assert_refused_and_whole(runs, ("photos",), "neither a run nor a study; ")
    assert_refused_and_whole(runs, ("nowhere",), "no such folder; ")
    assert_refused_and_whole(runs, ("one/recipe.toml",), "no such folder; ")
    assert_refused_and_whole(runs, (".",), "neither a run nor a study; name what it holds, such as ", str(runs / "one"))
    monkeypatch.chdir(runs / "pair" / "wide")
    assert_refused_and_whole(runs, ("pair",), "is the folder that you are in, or around it; change to another")


def test_half_a_run_and_a_failed_one_can_be_removed(runs: Path) -> None:
    (runs / "one" / "recipe.toml").unlink()
    (runs / "one" / "evaluation.json").write_text("{")
    home = runs / "failed" / "plain" / "seed-0"
    home.mkdir(parents=True)
    shutil.copy(runs / "pair" / "wide" / "seed-0" / "recipe.toml", home)
    (home / "failed.json").write_text('{"error": "no luck"}')
    assert isthmus("remove", runs / "one", runs / "failed", "-y").code == 0
    assert not (runs / "one").exists() and not (runs / "failed").exists()


def test_a_studys_run_goes_alone_and_the_study_trains_it_again(runs: Path) -> None:
    assert isthmus("remove", runs / "pair" / "wide" / "seed-0", runs / "pair" / "wide" / "seed-0", "-y").code == 0
    assert not (runs / "pair" / "wide").exists() and (runs / "pair" / "narrow").exists()
    assert isthmus("study", runs / "pair", "-q").code == 0
    assert (runs / "pair" / "wide" / "seed-0" / "evaluation.json").exists()


def test_all_that_the_verbs_write_is_known(runs: Path, made: Path) -> None:
    """A file of another name would make a run that was only used impossible to remove."""
    run = runs / "one"
    for words in (["export", run], ["evaluate", run], *([["explore", run]] if is_built() else [])):
        assert isthmus(*words).code == 0, words
    for name in (CALIBRATION, ANOMALIES):  # calibrating needs more pictures than are here
        (run / name).touch()
    assert {"export", "evaluation.json"} <= {path.name for path in run.iterdir()}
    assert contents_of_run(run).foreign == []
    assert isthmus("remove", run, "-y").code == 0


@pytest.mark.parametrize("what", ["file", "folder", "run", "link", "inner link"])
def test_what_changes_after_the_question_stays(runs: Path, tmp_path: Path, what: str) -> None:
    """The user reads the question, and meanwhile something else comes into the folder or stands in its place."""
    found = removable([runs / "one"])[0]
    elsewhere = tmp_path / "elsewhere"
    if what == "file":
        (runs / "one" / "notes.txt").write_text("dear diary")
    elif what == "folder":
        (runs / "one" / "checkpoints" / "mine").mkdir()
    elif what == "run":
        shutil.copytree(runs / "one", elsewhere)
        (runs / "one").rename(tmp_path / "away")
        elsewhere.rename(runs / "one")
    else:
        place = runs / "one" / ("checkpoints" if what == "inner link" else "")
        place.rename(elsewhere)
        place.symlink_to(elsewhere)
    before = everything(tmp_path)
    with pytest.raises(RunError, match=r"has changed since .* nothing of it was removed; try again"):
        remove(found)
    assert everything(tmp_path) == before


def test_nobody_begins_in_a_run_that_is_being_removed(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its lock file is missing, as in a copy without empty files."""
    (runs / "one" / "lock").unlink()
    real, refused = removing._check_unchanged, list[bool]()

    def begins(found: Removable) -> None:
        real(found)
        if (runs / "one" / "lock").exists():
            with pytest.raises(RunError, match="another process"), locked(runs / "one"):
                pass
            refused.append(True)

    monkeypatch.setattr(removing, "_check_unchanged", begins)
    remove(removable([runs / "one"])[0])
    assert refused and not (runs / "one").exists()


def test_a_recipe_beside_images_may_be_the_users(runs: Path) -> None:
    (runs / "mine").mkdir()
    for name in ("recipe.toml", "images.parquet", "report.html"):
        (runs / "mine" / name).write_text("mine")
    assert_refused_and_whole(runs, ("mine",), "images.parquet, recipe.toml, report.html, which may be yours; remove")


def test_more_runs_than_can_be_locked_are_refused_with_a_way_out(runs: Path) -> None:
    """Such as hundreds under macOS, where a process opens 256 files."""
    resource = pytest.importorskip("resource")
    found = removable([runs / "pair"])[0]
    before, limits = everything(runs), resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)  # the next free number
    os.close(lowest)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 1, limits[1]))
        with pytest.raises(RunError, match=r"lock its 2 runs at once; remove some of them first, such as .*seed-0"):
            remove(found)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert everything(runs) == before
