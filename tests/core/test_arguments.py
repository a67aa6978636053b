"""A public function that fails says so in one sentence, with the names that Python's users know."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.core.arguments import checked, in_python, notify
from isthmus.core.errors import InputError, RunError
from isthmus.pages.progress import Display


class OfFolder(InputError):
    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder}: holds a run; choose another --out")
        self.folder = folder


@checked
def call(fail: object, *, resume: bool = False) -> None:
    raise fail  # type: ignore[misc]


@checked
def call_once(fail: object) -> None:
    raise fail  # type: ignore[misc]


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/photos/images.safetensors")


@pytest.mark.parametrize("function", [call, call_once])
def test_a_full_disk_is_one_sentence(function: Callable[[object], None]) -> None:
    with pytest.raises(RunError) as caught:
        function(system(errno.ENOSPC))
    again = "call it again with resume=True" if function is call else "call it again"
    assert str(caught.value) == f"/photos/images.safetensors: the disk is full; make room, and {again}"


def test_what_the_user_can_change_is_wrong_input() -> None:
    with pytest.raises(InputError, match="is on a read-only disk; choose another folder"):
        call(system(errno.EROFS))


def test_too_little_memory_is_one_sentence_without_the_command_lines_options() -> None:
    with pytest.raises(RunError, match="there is not enough memory; free some") as caught:
        call(MemoryError())
    assert "--" not in str(caught.value) and "-n " not in str(caught.value)
    assert "(another `out`)" in str(caught.value) and "`count` in `isthmus.sample`" in str(caught.value)


def test_a_bug_keeps_its_own_error() -> None:
    bug = KeyError("bug")
    with pytest.raises(KeyError) as caught:
        call(bug)
    assert caught.value is bug


def test_an_error_keeps_its_class_and_what_it_knows() -> None:
    with pytest.raises(OfFolder) as caught:
        call(OfFolder(Path("runs/vae")))
    assert (caught.value.folder, str(caught.value)) == (Path("runs/vae"), "runs/vae: holds a run; choose another `out`")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("choose another --out, or move it away", "choose another `out`, or move it away"),
        ("changes need a new --out and", "changes need a new `out` and"),
        ("leave them out with --skip-broken", 'leave them out with `options={"data.skip_broken": True}`'),
        ("-n: 0 does not fit", "`n`: 0 does not fit"),
        ("Name the normal ones with --normal.", "Name the normal ones with `normal`."),
        ("set model.linear=1, or leave out --from", "set model.linear=1, or leave out `start`"),
        ("--log: 'x' is not known", "`log`: 'x' is not known"),
        ("one long training (--keep-optimizer keeps", "one long training (`keep_optimizer` keeps"),
        ("with fewer --jobs if that", "with fewer `jobs` if that"),
        ("`isthmus train --resume runs/vae` goes on", "`isthmus train --resume runs/vae` goes on"),
        ("data.path: my--out/a: --outer", "data.path: my--out/a: --outer"),
    ],
)
def test_options_have_their_names_in_python(said: str, expected: str) -> None:
    assert in_python(said) == expected


@checked
def show() -> None:
    with Display() as display:
        display.print("--log has no effect.")


def test_progress_speaks_as_its_caller_does(capsys: pytest.CaptureFixture[str]) -> None:
    show()
    with Display() as display:
        display.print("--log has no effect.")
    assert capsys.readouterr().err.splitlines() == ["`log` has no effect.", "--log has no effect."]


@checked
def warn(*, skip_broken: bool = False) -> None:
    notify("2 pictures were left out with --skip-broken.")


def test_a_notice_is_in_the_words_of_python_and_at_the_line_of_the_caller() -> None:
    with pytest.warns(UserWarning) as caught:
        warn()
    assert str(caught[0].message) == "2 pictures were left out with `skip_broken=True`."
    assert caught[0].filename == __file__
