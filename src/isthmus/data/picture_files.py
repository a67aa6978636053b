"""Lists the pictures in a folder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.paths import resolved
from isthmus.core.wording import counted

SUFFIXES = frozenset(
    {".bmp", ".dcm", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
NAMED = 5  # how many files a sentence names; it counts the rest


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder, sorted by path, and the class of each.

    names: their paths in the folder; text, because a million `Path`s take seconds to make. classes: each picture's top
    subfolder; None where some pictures are in the folder itself. notices: what in the folder is not used.
    """

    folder: Path
    names: tuple[str, ...]
    classes: tuple[str, ...] | None
    notices: tuple[str, ...]

    @property
    def paths(self) -> Iterator[str]:
        """Their paths, as text."""
        return (os.path.join(self.folder, name) for name in self.names)


def list_pictures(folder: Path, option: str, *, beside: Collection[Path] = ()) -> Listing:
    """Find the pictures in a folder and its subfolders, without hidden ones.

    option: named in the message about a wrong folder, such as `data.path`. beside: files that are read otherwise, which
    no notice names.
    Raises InputError where there is no picture.
    """
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"{option}: {folder} {problem}; name a folder of images")
    hidden: list[str] = []
    names = list(_walk(folder, "", frozenset(), hidden))
    pictures = [name for name in names if _is_picture(name)]
    others = [name for name in names if not _is_picture(name) and folder / name not in beside]
    unseen = [name for entry in hidden for name in _pictures_of(folder, entry)]
    if not pictures:
        found = f"only {some([*others, *unseen])}" if others or unseen else "nothing"
        raise InputError(f"{option}: {folder} holds no images ({found}); name a folder of PNG or JPEG files")
    notices = [f"{folder} also holds other files, which are not read: {some(others)}."] if others else []
    if unseen:
        notices.append(
            f"{folder} also holds {counted(len(unseen), 'hidden picture')}, left out because the name of the file or "
            f"of its folder begins with a dot: {some(unseen)}."
        )
    flat = sum(os.sep not in name for name in pictures)
    if 0 < flat < len(pictures):
        notices.append(
            f"{folder} holds {counted(flat, 'image')} itself and {len(pictures) - flat:,} in subfolders: they are "
            "taken together, without labels."
        )
    classes = None if flat else tuple(name.partition(os.sep)[0] for name in pictures)
    return Listing(folder, tuple(pictures), classes, tuple(notices))


def some(names: list[str]) -> str:
    """The first few names, and the number of the others."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _pictures_of(folder: Path, entry: str) -> list[str]:
    """The pictures that a hidden file is or a hidden folder holds; a folder that cannot be listed counts as empty."""
    whole = folder / entry
    if not whole.is_dir():
        return [entry] if whole.suffix.lower() in SUFFIXES else []
    found = (os.path.join(place, name) for place, _, names in os.walk(whole) for name in names)
    return sorted(os.path.relpath(path, folder) for path in found if _is_picture(path))


def _walk(folder: Path, inside: str, above: frozenset[Path], hidden: list[str]) -> Iterator[str]:
    """Every file in `folder`, which is at `inside` of the whole, and in its subfolders, by its path in the whole.

    Links to a folder above are not followed. Fills `hidden`.
    """
    here = resolved(folder)
    if here in above:
        return
    try:
        with os.scandir(folder) as found:
            entries = sorted((entry.name, is_folder(entry)) for entry in found)
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from None
    for name, holds_more in entries:
        path = os.path.join(inside, name)
        if name.startswith("."):
            hidden.append(path)
        elif holds_more:
            yield from _walk(folder / name, path, above | {here}, hidden)
        else:
            yield path


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Without asking the disk for each file, as a `Path` would; a link that leads back to itself is no folder."""
    try:
        return entry.is_dir()
    except OSError:
        return False
