"""Paths as people write them, and where isthmus keeps what it can fetch or fit again."""

from __future__ import annotations

import os
from pathlib import Path

from isthmus.errors import InputError
from isthmus.wording import shown


def expanded(text: str, name: str) -> Path:
    """`text` with `~` and `~user` replaced. Raises InputError, which calls it `name`, where there is no such home."""
    try:
        path = Path(text).expanduser()
    except RuntimeError:  # no such user, or one without a home
        raise InputError(
            f"{name}: {shown(text)} begins with a home folder that this system does not know; write it out"
        ) from None
    if "\0" in text:
        raise InputError(f"{name}: {shown(text)} holds a zero byte, as no path does; leave it out")
    return path


def resolved(path: Path) -> Path:
    """`path` from the root, links followed; a link that leads back to itself stays as it is."""
    return Path(os.path.realpath(path))


def cache_folder() -> Path:
    """`ISTHMUS_DATA`, else `isthmus/` in `XDG_CACHE_HOME`, else in `~/.cache`.

    Raises InputError where that is in a home folder, and nobody knows where it is.
    """
    for name in ("ISTHMUS_DATA", "XDG_CACHE_HOME"):
        if os.environ.get(name):
            folder = expanded(os.environ[name], name)
            return folder if name == "ISTHMUS_DATA" else folder / "isthmus"
    try:
        return Path("~/.cache").expanduser() / "isthmus"
    except RuntimeError:
        raise InputError(
            "HOME is not set and this user has no home folder; set ISTHMUS_DATA to a folder for fitted files"
        ) from None
