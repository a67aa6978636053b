"""The runs in a folder: single runs, studies with theirs, and what was passed over. Nothing here loads torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.runs.listed import ListedRun, read_listed

_MARKS = ("recipe.toml", "training.json", "evaluation.json", "failed.json", "checkpoints/last", "checkpoints/best")
_STUDY_MARKS = ("study.toml", "findings.json")


@dataclass(frozen=True)
class Listing:
    """runs: those of a study together. passed_over: what else the folder holds, in a sentence each."""

    runs: tuple[ListedRun, ...]
    passed_over: tuple[str, ...] = ()


def looks_like_run(folder: Path) -> bool:
    """Whether the folder holds what only a run holds; the run may be half-written or damaged."""
    return any(os.path.lexists(folder / mark) for mark in _MARKS)


def looks_like_study(folder: Path) -> bool:
    """Whether the folder holds a study's files, or runs of one and no run or study besides.

    `isthmus train -o runs/vae/seed-0` makes no study of runs/, where other runs are.
    """
    if any((folder / mark).is_file() for mark in _STUDY_MARKS):
        return True
    inner = _folders(folder)
    return any(runs_of_study(folder)) and not any(looks_like_run(one) or any(runs_of_study(one)) for one in inner)


def runs_of_study(folder: Path) -> Iterator[Path]:
    """The run folders `VARIATION/seed-N` of a study, in order; links are not followed."""
    for variation in _folders(folder):
        for home in _folders(variation):
            if home.name.startswith("seed-") and looks_like_run(home):
                yield home


def list_folder(folder: Path) -> Listing:
    """The runs in `folder`, of studies too; `folder` may be a run or a study itself.

    Raises InputError where there is no such folder.
    """
    if folder.is_file():
        raise InputError(f"{folder}: a file; name a folder of runs, a study or a run")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; `isthmus train` makes run folders under runs/")
    if looks_like_run(folder):
        return Listing((read_listed(folder, folder.name or str(folder)),))
    if looks_like_study(folder):
        return Listing(tuple(read_listed(home, home.relative_to(folder).as_posix()) for home in runs_of_study(folder)))
    found: list[ListedRun] = []
    passed: dict[str, list[str]] = {}
    for inner in _folders(folder):
        if looks_like_run(inner):
            found.append(read_listed(inner, inner.name))
        elif seeds := [home for home in _folders(inner) if home.name.startswith("seed-") and looks_like_run(home)]:
            found += [read_listed(home, home.relative_to(folder).as_posix()) for home in seeds]
        elif homes := list(runs_of_study(inner)):
            found += [read_listed(home, home.relative_to(folder).as_posix(), inner.name) for home in homes]
        else:
            passed.setdefault(_what_else(inner), []).append(inner.name)
    if links := _links(folder):
        passed["Not followed, because it is a link"] = links
    return Listing(tuple(found), tuple(f"{what}: {_few(names)}." for what, names in passed.items()))


def _what_else(folder: Path) -> str:
    if looks_like_study(folder):
        return "A study without any run"
    if any(map(looks_like_run, _folders(folder))):
        return "No run folder, but holds some, which `isthmus runs` of that folder lists"
    return "No run folder"


def _links(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_symlink()]
    return sorted(name for name in names if os.path.isdir(folder / name))  # False where a link leads to itself


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")


def _folders(folder: Path) -> list[Path]:
    """The folders in `folder` by name, hidden ones and links left out; none where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [folder / name for name in sorted(names, key=_natural) if not name.startswith(".")]


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that puts seed-2 before seed-10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
