"""Paths as people write them, and the cache folder for files that can be downloaded or fitted again."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.wording import shown

AnyPath = str | os.PathLike[str]
"""A path as people pass it: text, a `Path`, or an object that stands for one, such as a `Run`."""


def expanded(text: AnyPath, name: str) -> Path:
    """The path that somebody wrote, with `~` and `~user` replaced; `./~x` is a file of that name.

    Raises InputError where there is no such home folder, or this cannot be a path; the message calls it `name`.
    """
    written = os.path.expanduser(text)
    if written.startswith("~"):  # no such user, or one without a home
        raise InputError(
            f"{name}: {shown(os.fspath(text))} begins with a home folder that this system does not know; write it out"
        )
    if not written:
        raise InputError(f"{name}: '' is not a path; give one, such as `.` for the current folder")
    try:
        os.lstat(written)
    except ValueError as error:  # a zero byte, or half of a letter
        raise InputError(f"{name}: {shown(os.fspath(text))} cannot be a path ({error}); give another") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise InputError(f"{name}: {shown(os.fspath(text))} is too long for a path; choose a shorter one") from None
    return Path(written)


def check_working_folder() -> None:
    """See that the folder one is in still exists: libraries that do not find it end the process in words of their own.

    Raises InputError where it was deleted.
    """
    try:
        os.getcwd()
    except FileNotFoundError:
        raise InputError("the folder that you are in no longer exists; change to another") from None


def resolved(path: Path) -> Path:
    """The absolute `path` with links followed; a link that leads back to itself stays as it is."""
    return Path(os.path.realpath(path))


def cache_folder() -> Path:
    """`ISTHMUS_DATA`, else `isthmus/` in `XDG_CACHE_HOME`, else `isthmus/` in `~/.cache`.

    Raises InputError where it would be in a home folder that the system does not know.
    """
    for name in ("ISTHMUS_DATA", "XDG_CACHE_HOME"):
        if os.environ.get(name):
            folder = expanded(os.environ[name], name)
            return folder if name == "ISTHMUS_DATA" else folder / "isthmus"
    try:
        return expanded("~/.cache", "HOME") / "isthmus"
    except InputError:
        raise InputError(
            "HOME is not set and this user has no home folder; set ISTHMUS_DATA to a folder for fitted files"
        ) from None
