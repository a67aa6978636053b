"""What a user names as pictures: files, folders, patterns and data sets; each picture has an address and a label."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.core.image_changes import without_options
from isthmus.data.datasets._named_splits import split_folders
from isthmus.data.form import Form
from isthmus.data.given_pictures import ItemPictures
from isthmus.data.interfaces import Picture, Pictures, PictureSet
from isthmus.data.loaded_pictures import pictures_of
from isthmus.data.picture_files import SUFFIXES
from isthmus.data.source_kinds import holds_many, kind_of
from isthmus.inference.source_paths import is_kind, paths_of

Source = str | Path | PictureSet
Label = str | int | None


@dataclass(frozen=True)
class Part:
    """Pictures that are read in one way. form: settled. address, label: of the picture at a place.

    labelled: whether it has labels. named: whether these are names.
    """

    pictures: Pictures
    form: Form
    address: Callable[[int], str]
    label: Callable[[int], Label]
    labelled: bool = False
    named: bool = False


@dataclass(frozen=True)
class Found:
    """All parts of some sources, in their order, and sentences for the user."""

    parts: tuple[Part, ...]
    notices: tuple[str, ...]


class PathPictures(Pictures):
    """Picture files that were named one by one. paths: as the user wrote them."""

    portable = True

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        return self.paths[index]

    def read(self, start: int, stop: int) -> Iterator[Picture]:
        return (Path(path) for path in self.paths[start:stop])


def find(sources: Sequence[Source], form: Form, *, skip_broken: bool) -> Found:
    """The pictures of all sources. Raises InputError where a source does not exist or holds no picture."""
    parts: list[Part] = []
    notices: list[str] = []
    loose: list[tuple[str, Label]] = []

    def gather() -> None:
        if loose:
            parts.append(_of_paths(tuple(loose), form))
            loose.clear()

    for source in sources:
        if isinstance(source, PictureSet):
            gather()
            parts += _of_set(source, form, "", notices)
            continue
        for path, label in paths_of(source, notices):
            if not path.is_dir() and not holds_many(path) and not is_kind(path):
                loose.append((str(path), label))
                continue
            gather()
            parts += _of_path(path, form, notices, skip_broken=skip_broken)
    gather()
    return Found(tuple(parts), tuple(dict.fromkeys(notices)))


def _of_paths(loose: Sequence[tuple[str, Label]], form: Form) -> Part:
    paths, labels = tuple(path for path, _ in loose), tuple(label for _, label in loose)
    named = any(label is not None for label in labels)
    return Part(PathPictures(paths), _ready(form), paths.__getitem__, labels.__getitem__, named, named)


def _of_path(path: Path, form: Form, notices: list[str], *, skip_broken: bool) -> list[Part]:
    if is_kind(path):
        source = registry.build("datasets", str(path), {})
    else:
        kind = kind_of(path)
        chosen: dict[str, Any] = {
            "fit": form.fit,
            "channels": form.channels,
            "depth": form.depth,
            # a model that knows no range reads numbers as data sets do: by what they are
            "range": list(form.range) if isinstance(form.range, tuple) else None,
            "alpha": form.alpha,
            "size": list(form.size) if form.size is not None else None,
            "skip_broken": skip_broken,
        }
        options = {} if kind == "store" else {key: value for key, value in chosen.items() if value is not None}
        if kind == "folder":
            options["splits"] = _how(path)
        source = registry.build("datasets", kind, {"path": str(path), **options})
    try:
        found = source.pictures()
    except InputError as error:  # a training can be told the column; here there is no such option
        told = str(error)
        for option in ("name the right one with data.image_column", "name another with data.image_column"):
            told = told.replace(option, "give the column of images the name 'image'")
        raise InputError(told) from None
    loaded = found is None
    if found is None:
        dataset = source.load()
        ends = form.range if isinstance(form.range, tuple) else (0.0, 65535.0)
        if dataset.range is not None and form.depth == 16 and ends != dataset.range:
            raise InputError(
                f"{path}: its black and white are the values {_both(dataset.range)}, and those of this model are "
                f"{_both(ends)}; make the store again with range='[{ends[0]:g}, {ends[1]:g}]'"
            )
        found = pictures_of(dataset)
    return _of_set(found, form, str(path) if loaded or is_kind(path) else "", notices)


def _of_set(found: PictureSet, form: Form, prefix: str, notices: list[str]) -> list[Part]:
    """prefix: the path of a set whose pictures do not know it."""
    notices += found.notices
    # of what concerns a training, such as which folder is for test, nothing is said
    notices += [without_options(change.sentence) for change in found.said if change.what in ("masks", "to_8_bits")]
    own = replace(form, range=found.form.range) if found.form.range is not None else form
    made: list[Part] = []
    only = len(found.parts) == 1
    for split, pictures in found.parts.items():
        if not len(pictures):
            continue
        address = _prefixed(prefix if only else f"{prefix}:{split}") if prefix else pictures.address
        if isinstance(pictures, ItemPictures):
            made.append(Part(pictures, _ready(own), address, pictures.label, pictures.labelled, pictures.named))
            continue
        label, labelled = _label_of(pictures, found.class_names), pictures.labels is not None
        made.append(Part(pictures, _ready(own), address, label, labelled, labelled and bool(found.class_names)))
    return made


def _prefixed(prefix: str) -> Callable[[int], str]:
    return lambda index: f"{prefix}:{index}"


def _label_of(pictures: Pictures, names: Sequence[str]) -> Callable[[int], Label]:
    def label(index: int) -> Label:
        labels = pictures.labels
        number = -1 if labels is None else int(labels[index])
        if number < 0:
            return None
        return names[number] if number < len(names) else number

    return label


def _ready(form: Form) -> Form:
    """The form with which pictures of any depth are read alike, so that no picture asks for another."""
    return replace(form, deep=True)


def _how(folder: Path) -> str:
    """Whether folders such as `train` and `test` are splits: where they hold all there is. Else they are labels."""
    splits = {found.name for found in split_folders(folder, "by-name").values()}
    if not splits:
        return "none"
    with os.scandir(folder) as entries:
        others = [
            entry.name
            for entry in entries
            if not entry.name.startswith(".")
            and entry.name not in splits
            and (entry.is_dir() or os.path.splitext(entry.name)[1].lower() in SUFFIXES)
        ]
    return "none" if others else "by-name"


def _both(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g} and {ends[1]:g}"
