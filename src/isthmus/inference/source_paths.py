"""The paths that a user's text stands for: itself, the matches of a pattern, or the name of a data set."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.paths import expanded
from isthmus.core.wording import counted
from isthmus.data.picture_files import SUFFIXES, some
from isthmus.data.source_kinds import holds_many


def is_kind(path: Path) -> bool:
    """Whether this is the name of a data set, such as `digits`, and no path that exists."""
    return not path.exists() and str(path) in registry.kinds("datasets")


def paths_of(source: str | Path, notices: list[str]) -> Iterator[tuple[Path, str | None]]:
    """The paths that a source stands for, with the labels of a pattern's folders."""
    path = expanded(source, "source")
    if path.exists() or path.is_symlink():
        yield path, None
        return
    if not glob.has_magic(str(path)):
        if not is_kind(path) and not _is_braces(path):
            kinds = registry.kinds("datasets")
            raise InputError(
                f"{path}: no such file or folder, and no data set ({', '.join(kinds)}); check the path"
                f"{registry.suggest(str(path), kinds)}"
            )
        yield path, None
        return
    deep = "**" in str(path)
    matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
    matches = [match for match in matches if not (deep and match.is_dir())]
    used = [match for match in matches if match.is_dir() or _is_picture(match) or holds_many(match)]
    if not used:
        other = f"only {some([str(match) for match in matches])}" if matches else "nothing"
        raise InputError(f"{path}: this pattern matches no pictures ({other}); put it in quotes and check it")
    if len(used) < len(matches):
        left = sorted(set(map(str, matches)) - set(map(str, used)))
        notices.append(f"{path} also matches {counted(len(left), 'other file')}, not read: {some(left)}.")
    labels = _labels_of(path, used)
    yield from ((match, labels.get(match)) for match in used)


def fixed_beginning(source: str | Path, path: Path) -> Path:
    """The folder below which a source found `path`: for a pattern its parts before the first wildcard."""
    pattern = expanded(source, "source")
    if path == pattern:
        return path.parent
    return Path(*_before_magic(pattern.parts))


def _labels_of(pattern: Path, matches: Sequence[Path]) -> Mapping[Path, str]:
    """The folder of each picture below the pattern's fixed beginning, as a folder's pictures are labelled."""
    fixed = Path(*_before_magic(pattern.parts))
    inside = {match: match.relative_to(fixed).parts for match in matches if _is_picture(match)}
    if not inside or any(len(parts) < 2 for parts in inside.values()):
        return {}
    return {match: parts[0] for match, parts in inside.items()}


def _before_magic(parts: Sequence[str]) -> Iterator[str]:
    for part in parts:
        if glob.has_magic(part):
            return
        yield part


def _is_braces(path: Path) -> bool:
    """Whether this is a pattern of tar files, such as `train-{000..012}.tar`, which their data set reads."""
    return path.suffix == ".tar" and "{" in path.name


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES
