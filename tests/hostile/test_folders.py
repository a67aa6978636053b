"""Folders from somebody else, and places that are no files: nothing outside is written, no device is replaced."""

from __future__ import annotations

import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from tests.command import assert_refused, environment, isthmus, train
from torch import nn

from isthmus.core import atomic_files, outputs
from isthmus.core.atomic_files import open_regular, write_json, write_text
from isthmus.core.errors import InputError
from isthmus.core.locks import locked_file
from isthmus.run_files.state import Progress
from isthmus.training import checkpoint

VICTIM = "dear diary"
STUDY = """
name = "{name}"
[base]
architecture = {{ kind = "conv", filters = [4, 5], strides = [2, 2] }}
bottleneck = {{ kind = "vector", dim = 3 }}
data = {{ kind = "scenes", train = 80, test = 12 }}
[[variation]]
name = "{variation}"
[[variation]]
name = "wide"
changes.bottleneck.dim = 4
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert train(folder, "-q", "train.epochs=1").code == 0
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of one's own."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file elsewhere, which is as it was afterwards."""
    folder = tmp_path / "home"
    folder.mkdir()
    path = folder / "victim"
    path.write_text(VICTIM)
    yield path
    assert path.read_text() == VICTIM
    assert [entry.name for entry in folder.iterdir()] == ["victim"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("RGB", (32, 32), "teal").save(path)
    return path


WRITTEN = ("report.html", "evaluation.json", "per_image.parquet", "pictures.safetensors", "export/encoder.onnx")


@pytest.mark.parametrize("suffix", ["", ".new", ".part"])
def test_links_in_a_run_folder_are_replaced_and_not_followed(suffix: str, run: Path, victim: Path) -> None:
    (run / "export").mkdir()
    for name in (*WRITTEN, "export/decoder.onnx", "export/model.safetensors", "export/export.json"):
        path = run / f"{name}{suffix}"
        path.unlink(missing_ok=True)
        path.symlink_to(victim)
    assert isthmus("evaluate", run).code == 0
    assert isthmus("report", run).code == 0
    assert isthmus("export", run).code == 0
    assert all((run / name).is_file() and not (run / name).is_symlink() for name in WRITTEN)


@pytest.mark.parametrize("name", ["recipe.toml", "environment.json", "metrics.jsonl", "training.json"])
def test_links_in_a_folder_to_be_trained_in(name: str, tmp_path: Path, victim: Path) -> None:
    """As it goes on from a checkpoint: its log is continued, its records are written anew."""
    folder = tmp_path / "run"
    assert train(folder, "-q", "train.epochs=1").code == 0
    for path in (folder / "training.json", folder / "evaluation.json"):
        path.unlink()
    (folder / f"{name}.new").symlink_to(victim)
    if name not in ("recipe.toml", "environment.json"):  # which are read first
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(victim)
    assert train(folder, "-q", "train.epochs=1", "--resume").code == 0


@pytest.mark.parametrize("spare", ["last", "last.new", "last.old"])
def test_links_among_checkpoints_are_replaced(spare: str, tmp_path: Path, victim: Path) -> None:
    home, model = tmp_path / "checkpoints", nn.Linear(2, 2)
    home.mkdir()
    for target in (victim.parent, victim, tmp_path / "nowhere"):
        shutil.rmtree(home)
        home.mkdir()
        (home / spare).symlink_to(target)
        for step in (1, 2):
            checkpoint.save(home / spare[:4], model, Progress(step=step))
        progress, _, passed_over = checkpoint.load(home / spare[:4], model)
        assert (progress.step, passed_over) == (2, None)
        checkpoint.drop_old(home / spare[:4])


def test_checkpoints_that_are_a_link_are_refused(run: Path, victim: Path) -> None:
    (run / "evaluation.json").unlink()
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").symlink_to(victim.parent)
    assert_refused(train(run, "-q", "train.epochs=1", "--resume"), "checkpoints", "is a link")


def test_an_export_folder_that_is_a_link_is_refused_unless_it_was_named(run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (run / "export").symlink_to(elsewhere)
    assert_refused(isthmus("export", run), "export", "is a link")
    assert not list(elsewhere.iterdir())
    assert isthmus("export", run, "-o", run / "export").code == 0


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_lock_is_never_emptied_nor_followed(link: Callable[..., None], run: Path, victim: Path) -> None:
    (run / "lock").unlink()
    link(victim, run / "lock")
    (run / "evaluation.json").unlink()
    answer = train(run, "-q", "train.epochs=1", "--resume")
    if link is os.symlink:
        assert_refused(answer, "lock", "is a link", "remove it")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_a_lock_that_is_no_file_keeps_nobody_waiting(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "lock")
    with pytest.raises(InputError, match="is a link or no regular file"), locked_file(tmp_path / "lock", wait=True):
        pass


def test_a_studys_folders_that_are_links_are_refused(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "mine.toml").write_text(STUDY.format(name="mine", variation="plain"))
    out = tmp_path / "out"
    out.mkdir()
    (out / "plain").symlink_to(victim.parent)
    assert_refused(isthmus("study", tmp_path / "mine.toml", "-o", out), "not empty")
    shutil.copy(tmp_path / "mine.toml", out / "study.toml")
    (out / "lock").touch()
    assert_refused(isthmus("study", tmp_path / "mine.toml", "-o", out), "plain", "is a link")


def test_a_report_is_not_written_behind_a_link(run: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    (study / "plain").mkdir(parents=True)
    (study / "plain" / "seed-0").symlink_to(run)
    (study / "findings.json").write_text("{}")
    before = (run / "report.html").read_bytes()
    assert_refused(isthmus("report", study), "seed-0", "is a link")
    assert (run / "report.html").read_bytes() == before


# ---------------------------------------------------------------- where it is written to


def test_a_device_takes_the_bytes_and_stays(run: Path, photo: Path) -> None:
    device = Path(os.devnull)
    before = device.stat()
    assert isthmus("explore", run, "-o", device).code in (0, 2)  # 2 where its script was not built
    assert isthmus("sample", run, "-n", "4", "-o", device).code == 0
    assert isthmus("reconstruct", run, photo, "-o", device).code == 0
    assert isthmus("data", "scenes", "train=20", "test=2", "--sheet", device).code == 0
    after = device.stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_rdev) == (before.st_ino, before.st_rdev)


def test_stdout_takes_the_picture_and_nothing_else(run: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "isthmus", "sample", run, "-n", "4", "-o", "/dev/stdout"]
    piped = subprocess.run(command, env=environment(), capture_output=True, check=True).stdout
    with open(tmp_path / "redirected.png", "wb") as file:
        file.write(b"before ")
        file.flush()
        subprocess.run(command, env=environment(), stdout=file, stderr=subprocess.DEVNULL, check=True)
    assert Path("/dev/stdout").is_symlink()
    assert piped.startswith(b"\x89PNG")
    assert (tmp_path / "redirected.png").read_bytes() == b"before " + piped


def test_a_pipe_takes_the_bytes_where_somebody_reads(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="nobody reads"):
        outputs.deliver(pipe, b"1234")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    outputs.deliver(pipe, b"1234")
    assert os.read(reader, 10) == b"1234"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_device_is_no_wrong_use(run: Path) -> None:
    assert_refused(isthmus("sample", run, "-n", "4", "-o", "/dev/full"), "/dev/full", "the disk is full", code=1)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_in_a_run_folder_is_not_replaced(make: Callable[[Path], None], run: Path) -> None:
    (run / "report.html").unlink()
    make(run / "report.html")
    assert_refused(isthmus("report", run), "report.html")
    assert not (run / "report.html").is_file()


# ---------------------------------------------------------------- names and folders


@pytest.mark.parametrize("name", ["../site", "a/b", "..", "nul", "Con.txt", "dots.", "tab\\t"])
def test_a_studys_name_is_one_folders(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "deep" / "down"
    home.mkdir(parents=True)
    monkeypatch.chdir(home)
    Path("mine.toml").write_text(STUDY.format(name=name, variation="plain"))
    assert_refused(isthmus("study", "mine.toml"), "name", "folder's name")
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "down", "mine.toml"]


@pytest.mark.parametrize(
    "name",
    ["findings.json", "lock", "Report.HTML", "LOCK", "explorer.html", "recipe.toml", "aux", "x.", "COM1.a", "WIDE"],
)
def test_reserved_names_are_refused_before_anything_is_trained(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(STUDY.format(name="mine", variation=name))
    assert_refused(isthmus("study", tmp_path / "mine.toml", "-o", tmp_path / "out"), f"{name!r}")
    assert not (tmp_path / "out").exists()


def test_everything_that_is_written_beside_a_variation_is_reserved(run: Path) -> None:
    from isthmus.core.folder_names import RESERVED

    assert isthmus("export", run).code == 0
    assert {entry.name for entry in run.iterdir()} <= RESERVED


@pytest.mark.parametrize("held", ["report.html", "letter.txt", "study.toml", "findings.json"])
def test_a_foreign_folder_is_no_place_for_a_study(held: str, tmp_path: Path) -> None:
    """Neither one with a page of its own, nor one with a study file that somebody wrote."""
    site = tmp_path / "site"
    site.mkdir()
    (site / held).write_text(STUDY.format(name="mine", variation="plain") if held == "study.toml" else VICTIM)
    before = (site / held).read_text()
    (tmp_path / "mine.toml").write_text(STUDY.format(name="mine", variation="plain"))
    assert_refused(isthmus("study", tmp_path / "mine.toml", "-o", site), str(site), "no study's folder")
    assert [(path.name, path.read_text()) for path in site.iterdir()] == [(held, before)]


def test_files_named_as_a_studys_do_not_make_a_folder_one(tmp_path: Path) -> None:
    """What they hold does."""
    (tmp_path / "mine.toml").write_text(STUDY.format(name="mine", variation="plain"))
    site = tmp_path / "site"
    site.mkdir()
    for name in ("study.toml", "lock", "findings.json", "report.html"):
        (site / name).write_text(VICTIM)
    assert_refused(isthmus("study", tmp_path / "mine.toml", "-o", site), str(site), "no study's folder")
    assert {path.read_text() for path in site.iterdir()} == {VICTIM}


def test_a_recipe_file_that_somebody_wrote_is_not_overwritten(tmp_path: Path) -> None:
    home = tmp_path / "mine"
    home.mkdir()
    (home / "recipe.toml").write_text("[data]\nkind = 'scenes'\n")
    assert_refused(train(home), "recipe.toml", "not written by isthmus")
    (home / "letter.txt").write_text(VICTIM)
    assert_refused(train(home), str(home), "holds more")
    assert sorted(path.name for path in home.iterdir()) == ["letter.txt", "recipe.toml"]


# ---------------------------------------------------------------- what is lost


@pytest.mark.parametrize("verb", ["sample", "reconstruct", "data"])
def test_an_old_picture_survives_a_disk_without_room(verb: str, run: Path, photo: Path, tmp_path: Path) -> None:
    """The limit on a file's size stands for a disk that fills up."""
    out = tmp_path / "old.png"
    words = {
        "sample": ["sample", run, "-n", "16", "-o", out],
        "reconstruct": ["reconstruct", run, photo, "-o", out],
        "data": ["data", "scenes", "train=64", "test=4", "--sheet", out],
    }[verb]
    assert isthmus(*words).code == 0
    precious = out.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        answer = isthmus(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_refused(answer, str(out), "ulimit -f", code=1)
    assert out.read_bytes() == precious
    assert not list(tmp_path.glob(".isthmus-*"))


def test_nothing_is_left_of_a_write_that_fails(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path / "folder", "text")
    with pytest.raises(TypeError):
        write_json(tmp_path / "value", object())
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_what_a_killed_process_left_is_removed_after_a_while(tmp_path: Path) -> None:
    code = (
        "import os, pathlib; from isthmus.core import atomic_files; os.replace = lambda *_: os._exit(0); "
        f"atomic_files.write_bytes(pathlib.Path({str(tmp_path / 'file')!r}), b'1234')"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True)
    (left,) = tmp_path.iterdir()
    assert atomic_files.is_leftover(left.name)
    atomic_files.remove_leftovers(tmp_path)
    assert left.exists(), "it may be somebody at work"
    os.utime(left, (0, 0))
    outputs.deliver(tmp_path / "table.csv", b"new")  # whoever writes there next removes what a killed process left
    assert not left.exists() and (tmp_path / "table.csv").read_bytes() == b"new"


def test_two_writers_never_share_a_temporary_file(tmp_path: Path) -> None:
    """Nor does anybody know its name before."""
    with pytest.MonkeyPatch.context() as patch:
        names: list[str] = []
        replace = os.replace
        patch.setattr(atomic_files.os, "replace", lambda a, b: names.append(str(a)) or replace(a, b))
        for _ in range(3):
            write_text(tmp_path / "file", "text")
    assert len(set(names)) == 3
    assert (tmp_path / "file").read_text() == "text"


def test_a_log_is_not_continued_through_a_link(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "log").symlink_to(victim)
    with pytest.raises(InputError, match="is a link"), open_regular(tmp_path / "log", os.O_WRONLY | os.O_APPEND):
        pass
