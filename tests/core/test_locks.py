"""The lock of a folder: one process at a time, let go of however it ends, and heeded by older versions of isthmus."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.command import environment

from isthmus.core.locks import locked_file

HOLD = """
import sys, pathlib
from isthmus.core.locks import locked_file
with locked_file(pathlib.Path(sys.argv[1]), wait=False):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock by now."""
    command = [sys.executable, "-c", HOLD, str(path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8")
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = holder(path)
    with pytest.raises(BlockingIOError), locked_file(path, wait=False):
        pass
    other.kill()
    other.communicate()
    with locked_file(path, wait=False):
        pass


def test_whoever_waits_gets_it_once_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = holder(path)
    timer = threading.Timer(0.2, other.kill)
    timer.start()
    with locked_file(path, wait=True):
        assert other.wait() != 0
    other.communicate()


def test_older_versions_of_isthmus_and_this_one_heed_each_other(tmp_path: Path) -> None:
    """They lock the same file with flock."""
    path = tmp_path / "lock"
    with locked_file(path, wait=False), open(path, "rb+") as theirs, pytest.raises(BlockingIOError):
        fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open(path, "rb+") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError), locked_file(path, wait=False):
            pass


def test_the_file_and_what_it_holds_stay(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("a note")
    before = path.stat().st_ino
    with locked_file(path, wait=False):
        pass
    assert path.read_text() == "a note"
    assert path.stat().st_ino == before


def test_a_generator_that_ends_in_another_thread_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    def work() -> Generator[None]:
        with locked_file(path, wait=False):
            yield

    working = work()
    next(working)
    ending = threading.Thread(target=working.close)
    ending.start()
    ending.join()
    with locked_file(path, wait=False):
        pass


def test_a_link_that_comes_in_between_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look at the place, before the file is opened."""
    victim, path = tmp_path / "victim", tmp_path / "lock"
    victim.write_text("dear diary")
    look, looks = Path.lstat, list[Path]()

    def first_look_is_early(self: Path) -> object:
        looks.append(self)
        if len(looks) == 1:
            try:
                return look(self)
            finally:
                self.symlink_to(victim)
        return look(self)

    monkeypatch.setattr(Path, "lstat", first_look_is_early)
    with pytest.raises(ValueError, match="is a link"), locked_file(path, wait=False):
        pass
    assert victim.read_text() == "dear diary"
