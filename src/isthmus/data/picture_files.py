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

    classes: each picture's top subfolder; None where some pictures are in the folder itself.
    notices: what in the folder is not used.
    """

    folder: Path
    pictures: tuple[Path, ...]
    classes: tuple[str, ...] | None
    notices: tuple[str, ...]


def list_pictures(folder: Path, option: str, *, beside: Collection[Path] = ()) -> Listing:
    """Find the pictures in a folder and its subfolders, without hidden ones.

    option: named in the message about a wrong folder, such as `data.path`. beside: files that are read otherwise, which
    no notice names.
    Raises InputError where there is no picture.
    """
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise InputError(f"{option}: {folder} {problem}; name a folder of images")
    hidden: list[Path] = []
    files = list(_walk(folder, frozenset(), hidden))
    pictures = [file for file in files if file.suffix.lower() in SUFFIXES]
    others = [
        str(file.relative_to(folder)) for file in files if file.suffix.lower() not in SUFFIXES and file not in beside
    ]
    unseen = [str(file.relative_to(folder)) for entry in hidden for file in _pictures_of(entry)]
    if not pictures:
        found = f"only {some([*others, *unseen])}" if others or unseen else "nothing"
        raise InputError(f"{option}: {folder} holds no images ({found}); name a folder of PNG or JPEG files")
    notices = [f"{folder} also holds other files, which are not read: {some(others)}."] if others else []
    if unseen:
        notices.append(
            f"{folder} also holds {counted(len(unseen), 'hidden picture')}, left out because the name of the file or "
            f"of its folder begins with a dot: {some(unseen)}."
        )
    places = [file.relative_to(folder).parts for file in pictures]
    flat = sum(len(parts) == 1 for parts in places)
    if 0 < flat < len(places):
        notices.append(
            f"{folder} holds {counted(flat, 'image')} itself and {len(places) - flat:,} in subfolders: they are taken "
            "together, without labels."
        )
    classes = None if flat else tuple(parts[0] for parts in places)
    return Listing(folder, tuple(pictures), classes, tuple(notices))


def some(names: list[str]) -> str:
    """The first few names, and the number of the others."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _pictures_of(entry: Path) -> list[Path]:
    """The pictures that a hidden file is or a hidden folder holds; a folder that cannot be listed counts as empty."""
    if not entry.is_dir():
        return [entry] if entry.suffix.lower() in SUFFIXES else []
    found = (Path(place) / name for place, _, names in os.walk(entry) for name in names)
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES)


def _walk(folder: Path, above: frozenset[Path], hidden: list[Path]) -> Iterator[Path]:
    """Every file in `folder` and its subfolders; links to a folder above are not followed. Fills `hidden`."""
    here = resolved(folder)
    if here in above:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from None
    for entry in entries:
        if entry.name.startswith("."):
            hidden.append(entry)
        elif entry.is_dir():
            yield from _walk(entry, above | {here}, hidden)
        else:
            yield entry
