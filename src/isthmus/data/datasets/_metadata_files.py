"""Reads the labels of pictures from `metadata.csv` or `metadata.jsonl` beside them, as the Hugging Face hub's folders
of images have them.

Source: the layout is described at https://huggingface.co/docs/datasets/image_dataset#imagefolder
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.core.bounded_reading import parse_json, read_bytes, reason
from isthmus.core.errors import InputError
from isthmus.core.wording import counted, shown
from isthmus.data.datasets._labels import Label, label_of
from isthmus.data.picture_files import some

_FILE, _LABEL = "file_name", "label"
_NAMES = ("metadata.csv", "metadata.jsonl")
_WHOLE = re.compile(r"-?\d{1,18}")


@dataclass(frozen=True)
class Metadata:
    """What metadata files say of pictures.

    files: those that were read. labels: path of a picture -> its label; None where no file has a column of labels.
    column: of the labels. notices: what of the files is not used.
    """

    files: tuple[Path, ...] = ()
    labels: Mapping[str, Label] | None = None
    column: str = _LABEL
    notices: tuple[str, ...] = ()


def read_metadata(files: Sequence[Path], column: str | None, pictures: Iterable[str]) -> Metadata:
    """What `files` say of the pictures beside them.

    column: of the labels; None for `label`, which may be missing. pictures: all that were found.
    Raises InputError where a file is damaged, lacks `column`, names pictures that are not there or outside its folder,
    or where one picture has two labels.
    """
    if not files:
        return Metadata()
    wanted, labels, notices, used = column or _LABEL, dict[str, Label](), list[str](), list[Path]()
    known = {os.path.normpath(picture) for picture in pictures}
    for file in files:
        columns, found = _read(file, wanted, known)
        if not columns:
            notices.append(f"{file} is empty: it is not used.")
            continue
        if _FILE not in columns:
            notices.append(f"{file} has no column {_FILE!r}: it is not used.")
            continue
        used.append(file)
        if column is not None and wanted not in columns:
            raise InputError(
                f"data.label_column: {file} has no column {column!r} among {', '.join(sorted(columns))}; name one of "
                "these"
            )
        if not any(label is not None for label in found.values()):
            notices.append(f"{file} {_without_labels(wanted, columns)}")
        for path, label in found.items():
            _check_same(file, path, labels.get(path), label)
            labels[path] = labels.get(path) if label is None else label
    labelled = any(label is not None for label in labels.values())
    return Metadata(tuple(used), _with_numbers(labels) if labelled else None, wanted, tuple(notices))


def find_metadata(folder: Path) -> Path | None:
    """The metadata file in a folder; None where there is none."""
    return next((folder / name for name in _NAMES if (folder / name).is_file()), None)


def _read(file: Path, wanted: str, known: Collection[str]) -> tuple[set[str], dict[str, Label]]:
    """The columns of a file, and path of a picture -> its label in column `wanted`. known: the paths of pictures."""
    columns, labels, absent, nameless = set[str](), dict[str, Label](), list[str](), list[int]()
    for number, row in enumerate(_rows(file), start=1):
        columns |= row.keys()
        if _FILE not in row:
            nameless.append(number)
            continue
        path = _place(file, row[_FILE])
        if path not in known and not os.path.isfile(path):
            absent.append(str(row[_FILE]))
        label = label_of(row.get(wanted), f"{file}: column {wanted!r} holds", "correct it")
        _check_same(file, path, labels.get(path), label)
        labels[path] = labels.get(path) if label is None else label
    if nameless and labels:
        raise InputError(f"{file}: row {nameless[0]} has no {_FILE!r}; add it, or remove the row")
    if absent:
        raise InputError(
            f"{file}: names {counted(len(absent), 'file')} that are not there ({some(absent)}); get the missing "
            "ones, or remove their lines"
        )
    return columns, labels


def _check_same(file: Path, path: str, before: Label, label: Label) -> None:
    """Raise InputError where a picture that has the label `before` gets another."""
    if before is not None and label is not None and str(before) != str(label):
        raise InputError(
            f"{file}: gives {os.path.basename(path)} the label {shown(label)}, and it already has {shown(before)}; "
            "keep one of them"
        )


def _without_labels(wanted: str, columns: set[str]) -> str:
    """Why no labels come from a file with these columns."""
    if wanted in columns:
        return f"has nothing in column {wanted!r}, so no labels come from it."
    others = ", ".join(sorted(columns - {_FILE}))
    remedy = f"; data.label_column names another ({others})" if others else ""
    return f"has no column {wanted!r}, so no labels come from it{remedy}."


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a file. In a table, each has all columns; None is where a line ends early."""
    try:
        text = read_bytes(file).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read ({reason(error)}); save it as UTF-8") from None
    if file.suffix == ".csv":
        try:
            for row in csv.DictReader(io.StringIO(text, newline="")):
                if None in row:
                    raise InputError(f"{file}: has a line with more values than columns; correct it")
                yield row
        except csv.Error as error:
            raise InputError(f"{file}: is not a table of comma-separated values ({error}); correct it") from None
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line.encode())
        except ValueError as error:
            raise InputError(f"{file}: line {number} is not JSON ({reason(error)}); correct it") from None
        if not isinstance(row, dict):
            raise InputError(f"{file}: line {number} is no table of names and values; correct it")
        yield row


def _place(file: Path, name: Any) -> str:
    """The path of the picture that a line names. Raises InputError where that is outside the file's folder."""
    folder = os.path.normpath(file.parent)
    path = os.path.normpath(os.path.join(folder, str(name)))
    if not isinstance(name, str) or not name or os.path.isabs(name) or not path.startswith(os.path.join(folder, "")):
        raise InputError(f"{file}: names {shown(name)}, which is not a file in its folder; correct that line")
    return path


def _with_numbers(labels: Mapping[str, Label]) -> Mapping[str, Label]:
    """Labels as they are, but as numbers where all of them are whole numbers written as text."""
    words = [label for label in labels.values() if isinstance(label, str)]
    if not words or not all(_WHOLE.fullmatch(word) for word in words):
        return labels
    return {path: int(label) if isinstance(label, str) else label for path, label in labels.items()}
