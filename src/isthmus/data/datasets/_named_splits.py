"""Recognises the splits of a data set by the names of its folders and files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from isthmus.core.image_changes import Change
from isthmus.core.wording import counted
from isthmus.data.picture_files import is_folder

How = Literal["by-name", "train-test", "none"]
NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test", "testing"),
}


def split_called(name: str) -> str | None:
    """The split that a name stands for, such as `validation` for `Val`; None for other names."""
    return next((split for split, names in NAMES.items() if name.lower() in names), None)


def split_folders(folder: Path, how: How) -> dict[str, Path]:
    """Split -> the folder in `folder` that holds it; empty where `folder` has no such splits.

    There must be a folder for training and at least one other split. Case does not matter. "train-test" is the rule of
    earlier versions: only the names `train` and `test`, and only where both exist.
    """
    if how == "none":
        return {}
    if how == "train-test":
        found = {name: folder / name for name in ("train", "test") if (folder / name).is_dir()}
        return found if len(found) == 2 else {}
    with os.scandir(folder) as entries:  # asks the disk for no file of thousands
        here = {name.lower(): name for name in sorted((one.name for one in entries if is_folder(one)), reverse=True)}
    found = {
        split: folder / here[name]
        for split, names in NAMES.items()
        if (name := next((name for name in names if name in here), None))
    }
    return found if "train" in found and len(found) > 1 else {}


def validation_files(folder: Path) -> list[Path]:
    """The files like `validation-00000-of-00001.parquet` or `val.parquet` in a folder, or where the hub places
    them in it."""
    pattern = re.compile(rf"({'|'.join(NAMES['validation'])})([-_.\d]|$)", re.IGNORECASE)
    for place in (folder, folder / "data", folder / "plain_text"):
        if files := sorted(path for path in place.glob("*.parquet") if path.is_file() and pattern.match(path.stem)):
            return files
    return []


def said_of_splits(parts: dict[str, tuple[str, int]]) -> Change | None:
    """A change that names the splits. parts: split -> (its folder or file, number of images). None for one split."""
    if len(parts) < 2:
        return None
    uses = {"train": "to train on", "validation": "for validation", "test": "for test"}
    text = ", ".join(f"{name} {uses[split]} ({counted(count, 'image')})" for split, (name, count) in parts.items())
    total = sum(count for _, count in parts.values())
    return Change(
        what="split_by_name",
        images=total,
        of=total,
        sentence=f"Used as splits: {text}.",
        numbers={split: count for split, (_, count) in parts.items()},
    )


def said_of_labels(origin: str, class_names: tuple[str, ...], labelled: int, images: int) -> Change | None:
    """A change that names the labels and their `origin`, such as `Folder names`; None where there are none."""
    if not class_names:
        return None
    shown = ", ".join(class_names[:10]) + (f" and {len(class_names) - 10} more" if len(class_names) > 10 else "")
    folders = origin == "Folder names"
    return Change(
        what="labelled_by_folder" if folders else "labelled_by_file",
        images=labelled,
        of=images,
        sentence=f"{origin} used as labels: {shown}.",
        numbers={"labels": len(class_names)},
    )
