"""Remove runs and studies: only what isthmus wrote, only where nobody is at work, and nothing behind links."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError, RunError
from isthmus.core.lease import held_by, is_in_use
from isthmus.core.locks import locked_file
from isthmus.data.given_images import FILES
from isthmus.runs.contents import Contents, contents_of_run, contents_of_study
from isthmus.runs.listing import list_folder, looks_like_run, looks_like_study

_NAMED = 5  # foreign files and runs in a message
_KNOWN_BY = ("recipe.toml", "study.toml")  # removed last, so that an interrupted removal can be finished
# a user may have files of these names, and a folder with no other may be the user's
_MAY_BE_YOURS = frozenset({*_KNOWN_BY, *FILES, "report.html", "explorer.html", "watch.html"})


@dataclass(frozen=True)
class Removable:
    """A run or a study that may be removed. images: files of images in it that were given in Python.

    identity: device and inode of the folder, since another may stand at its path by the time that it is removed.
    """

    folder: Path
    kind: str
    contents: Contents
    identity: tuple[int, int]

    @property
    def images(self) -> list[str]:
        return [path.name for path in self.contents.files if path.name in FILES]


def removable(folders: Sequence[Path]) -> list[Removable]:
    """What removing these runs and studies would remove; a run in a study that is named too is not named twice.

    Raises InputError where one is neither a run nor a study, is a link, or holds what isthmus did not write there;
    RunError where a process is at work in it.
    """
    found = [_removable(folder) for folder in folders]
    places = [Path(os.path.realpath(one.folder)) for one in found]
    return [
        one
        for number, one in enumerate(found)
        if places[number] not in places[:number] and not any(other in places[number].parents for other in places)
    ]


def remove(found: Removable) -> int:
    """Remove it; returns the bytes freed.

    Raises RunError, and removes nothing, where a process is at work in it or it holds something else than when it was
    found: the user may have thought about the question for an hour.
    """
    _check_unchanged(found)
    folders = found.contents.folders
    locks = [run / "lock" for run in found.contents.runs]  # made where missing: nobody may begin there meanwhile
    locks += [
        folder / "lock" for folder in folders if os.path.lexists(folder / "lock") and folder / "lock" not in locks
    ]
    study = _study_of(found.folder) if found.kind == "run" else None
    with ExitStack() as held:
        for lock in [*locks, *([] if study is None else [study / "lock"])]:
            try:
                held.enter_context(locked_file(lock, wait=False))
            except BlockingIOError:
                raise _in_use(lock.parent) from None
            except OSError as error:
                if error.errno != errno.EMFILE:
                    raise
                runs = found.contents.runs
                raise RunError(
                    f"{found.folder}: this system lets no process lock its {len(runs):,} runs at once; remove some of "
                    f"them first, such as {runs[0]}"
                ) from None
        _check_unchanged(found)  # nobody writes from here on
        for path in sorted(found.contents.files, key=lambda path: path.name in _KNOWN_BY):
            if path not in locks:
                path.unlink(missing_ok=True)
        for lock in locks:
            with suppress(PermissionError):  # Windows removes no file that is open
                lock.unlink(missing_ok=True)
    for folder in folders:
        (folder / "lock").unlink(missing_ok=True)
        folder.rmdir()
    if study is not None:
        with suppress(OSError):  # it holds runs of other seeds
            found.folder.parent.rmdir()
    return found.contents.size


def _check_unchanged(found: Removable) -> None:
    """Raise RunError where the folder is another one by now, or holds other files; what is behind links stays."""
    with suppress(OSError):
        if _identity(found.folder) == found.identity:
            now = _contents(found.folder, found.kind)
            locks = {folder / "lock" for folder in now.folders}
            same = now.files.keys() - locks == found.contents.files.keys() - locks
            if same and not now.foreign and now.folders == found.contents.folders:
                return
    raise RunError(f"{found.folder}: has changed since it was looked at, and nothing of it was removed; try again")


def _contents(folder: Path, kind: str) -> Contents:
    return contents_of_run(folder) if kind == "run" else contents_of_study(folder)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.lstat()
    return status.st_dev, status.st_ino


def _removable(folder: Path) -> Removable:
    if folder.is_symlink():
        raise InputError(f"{folder}: is a link, and isthmus removes nothing behind links; name the folder itself")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; `isthmus runs` lists what is there")
    if looks_like_run(folder):
        kind = "run"
    elif looks_like_study(folder):
        kind = "study"
    else:
        raise InputError(f"{folder}: neither a run nor a study; {_what_to_name(folder)}")
    identity, contents = _identity(folder), _contents(folder, kind)
    if contents.foreign:
        named = _few([path.relative_to(folder).as_posix() for path in contents.foreign])
        raise InputError(
            f"{folder}: holds what isthmus did not write there ({named}); move it away, or remove the folder yourself"
        )
    names = {path.name for path in contents.files}
    if len(names) < 2 or names <= _MAY_BE_YOURS:
        only = ", ".join(sorted(names))
        raise InputError(f"{folder}: holds only {only}, which may be yours; remove the folder yourself")
    here = Path(os.path.realpath("."))
    if (place := Path(os.path.realpath(folder))) == here or place in here.parents:
        raise InputError(f"{folder}: is the folder that you are in, or around it; change to another")
    study = _study_of(folder) if kind == "run" else None
    for home in [*contents.folders, *([] if study is None else [study])]:
        if is_in_use(home):
            raise _in_use(home)
    return Removable(folder, kind, contents, identity)


def _in_use(folder: Path) -> RunError:
    holder = held_by(folder)
    if holder is None:
        return RunError(f"{folder}: is in use by another process; wait for it, or end it")
    switched_off = f"if that computer is switched off, remove {folder / 'lease-*.json'} first"
    return RunError(f"{folder}: {holder} is at work in it; wait for it, or end it; {switched_off}")


def _study_of(run: Path) -> Path | None:
    """The study that a run at `VARIATION/seed-N` belongs to, if one keeps a lock there."""
    study = Path(os.path.abspath(run)).parents[1] if run.name.startswith("seed-") else None
    return study if study is not None and (study / "lock").is_file() and looks_like_study(study) else None


def _what_to_name(folder: Path) -> str:
    names = list(dict.fromkeys(run.study or run.name for run in list_folder(folder).runs))
    if not names:
        return "`isthmus runs` lists what is there"
    return f"name what it holds, such as {_few([str(folder / name) for name in names])}"


def _few(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")
