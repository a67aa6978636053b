"""`isthmus data prepare` never writes over anything, not even over what appears while it works."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.data.drawn_pictures import picture_set
from tests.data.store.test_store import Source

from isthmus.core.errors import InputError, RunError
from isthmus.core.values import Dataset
from isthmus.data import decode
from isthmus.data.store import build, placing
from isthmus.data.store.prepare import prepare

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Dataset]:
    """Makes the store `out` of drawn pictures."""
    found = picture_set(tmp_path / "pictures")
    return lambda out="out": prepare("folder", Source(found), tmp_path / out)  # type: ignore[arg-type]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Lets something happen after the pictures were decoded, before the store is in its place."""
    describe = build._describe

    def set_to(happens: Callable[[], object]) -> None:
        def then(*facts: object) -> None:
            describe(*facts)  # type: ignore[arg-type]
            monkeypatch.setattr(build, "_describe", describe)
            happens()

        monkeypatch.setattr(build, "_describe", then)

    return set_to


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("begun", ["missing", "empty"])
@pytest.mark.parametrize("name", ["train.pixels", "store.json", "notes.txt"])
def test_a_file_that_appears_while_a_store_is_made_stays(
    begun: str, name: str, tmp_path: Path, make, meanwhile: Meanwhile
) -> None:
    out = tmp_path / "out"
    if begun == "empty":
        out.mkdir()

    def write() -> None:
        out.mkdir(exist_ok=True)
        (out / name).write_text("mine")

    meanwhile(write)
    with pytest.raises(InputError, match=r"out: (exists and is not empty|already holds a store); choose another"):
        make()
    assert (out / name).read_text() == "mine"
    assert names(out) == [name] and names(tmp_path) == ["out", "pictures"]


@pytest.mark.parametrize("begun", ["missing", "empty"])
def test_a_file_that_appears_at_the_last_moment_stays(
    begun: str, tmp_path: Path, make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last look into the folder, when the first files of the store may be there."""
    out = tmp_path / "out"
    if begun == "empty":
        out.mkdir()
    look, looks = placing.check_free, list[Path]()

    def look_and_write(folder: Path) -> None:
        look(folder)
        looks.append(folder)
        out.mkdir(exist_ok=True)
        (out / "train.pixels").write_text("mine")

    monkeypatch.setattr(placing, "check_free", look_and_write)
    with pytest.raises(InputError, match="exists and is not empty"):
        make()
    assert len(looks) == 1 and (out / "train.pixels").read_text() == "mine" and names(out) == ["train.pixels"]


def test_two_processes_do_not_make_one_store(tmp_path: Path, make, meanwhile: Meanwhile) -> None:
    def second() -> None:
        with pytest.raises(RunError, match=r"out: another process is making a store there; wait for it, or choose"):
            make()

    meanwhile(second)
    dataset = make()
    assert np.array_equal(dataset.train.images[:], make("other").train.images[:])
    assert names(tmp_path) == ["other", "out", "pictures"]


@pytest.mark.parametrize("begun", ["missing", "empty"])
def test_what_a_killed_process_left_is_cleared_by_the_next(begun: str, tmp_path: Path, make, meanwhile) -> None:
    out = tmp_path / "out"
    if begun == "empty":
        out.mkdir()
    child = os.fork()
    if not child:
        meanwhile(lambda: os._exit(9))
        make()
    assert os.waitpid(child, 0)[1] == 9 << 8
    left = (out if begun == "empty" else tmp_path) / ".isthmus-out.new"
    assert (left / "store" / "train.pixels").stat().st_size > 0
    dataset = make()
    assert not left.exists() and names(tmp_path) == ["out", "pictures"] and "store.json" in names(out)
    assert np.array_equal(dataset.train.images[:], decode.load(picture_set(tmp_path / "pictures")).train.images)


def test_a_lock_that_was_removed_while_it_was_waited_for_is_taken_again(
    tmp_path: Path, make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that ends removes the workshop, with the lock that the next one holds by then."""
    lock, home, removed = placing.locked_file, tmp_path / ".isthmus-out.new", list[Path]()

    def remove_first(path: Path, *, wait: bool):
        held = lock(path, wait=wait)
        if not removed:
            removed.append(path)
            path.unlink()
            home.rmdir()
        return held

    monkeypatch.setattr(placing, "locked_file", remove_first)
    assert len(make().train) == 20 and removed == [home / "lock"]


def test_a_folder_may_have_the_longest_name(tmp_path: Path, make) -> None:
    assert len(make("x" * 250).train) == 20
    assert names(tmp_path) == ["pictures", "x" * 250]


def test_a_store_that_is_larger_than_the_disk_is_one_sentence(tmp_path: Path, make, monkeypatch) -> None:
    monkeypatch.setattr(build.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 100}))
    with pytest.raises(RunError, match=r"out: the decoded images need 3.6 kB, and its disk has 100 bytes free"):
        make()
    assert names(tmp_path) == ["pictures"]


def test_a_large_store_is_announced(tmp_path: Path, make, monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    make("small")
    monkeypatch.setattr(build, "_LARGE", 3000)
    make("large")
    assert capsys.readouterr().err == "25 images of 8x6 pixels take 3.6 kB of the disk.\n"
