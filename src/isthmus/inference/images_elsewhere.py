"""The images of a verb that is told where they are: the run's own at another place, or another test set.

A run's own images are recognised by their hash. Any others are a test set of their own, and whatever is made from them
says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.values import ImageSet
from isthmus.core.wording import counted
from isthmus.data.content_hashes import data_hash, hashes_of
from isthmus.data.source_kinds import kind_of
from isthmus.data.splits import Splits
from isthmus.inference.anomaly.known_pictures import known_pictures
from isthmus.inference.named_images import NamedImages
from isthmus.inference.picture_sources import Label
from isthmus.recipes.recipe import apply, resolve
from isthmus.runs.load import form_of, load_data
from isthmus.runs.run_folder import check_data, read_environment, read_recipe

_LEAST = 2  # images: a confidence interval needs two
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Elsewhere:
    """Where images are, as the user said.

    own: changes to the recipe's `data`, such as {"data.path": "/new/place"}: where the run's own images are now.
    other: a source of pictures: the run's own at another place, or another test set.
    skip_broken: leave out pictures of `other` that cannot be read.
    """

    own: Mapping[str, Any] = field(default_factory=dict[str, Any])
    other: str | None = None
    skip_broken: bool = False


@dataclass(frozen=True)
class OtherTestSet:
    """A test set that is not the run's own. name: for a folder; source: in words; flags: what a reader must know."""

    name: str
    source: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class FoundImages:
    """splits: the run's images, with the other test set, if there is one, as its test images. notices: for the user."""

    splits: Splits
    other: OtherTestSet | None
    notices: tuple[str, ...]


def find_images(run: Path, where: Elsewhere) -> FoundImages:
    """The images of a run, or its training images with another test set.

    Raises InputError where the run's own images are not where they were or are said to be, and for a test set that
    cannot be read or has fewer than two images.
    """
    moved = _as_moved(run, where.other) if where.other is not None else None
    if moved is not None:
        if where.own:
            option = next(iter(where.own))
            raise InputError(
                f"{option}: has no effect beside --data {where.other}, the run's own images; leave one out"
            )
        return FoundImages(moved, None, (f"{where.other}: the run's own images, recognised by their content.",))
    own = own_images(run, where.own)
    return FoundImages(own, None, ()) if where.other is None else _other(run, own, where.other, where.skip_broken)


def own_images(run: Path, changes: Mapping[str, Any]) -> Splits:
    """The run's own images, where `changes` to its `data` say; seen to be the same."""
    for name in changes:
        if not name.startswith("data."):
            raise InputError(f"{name}: cannot be given here; only data.* says where a run's images are now")
    recipe = read_recipe(run)
    held = recipe.data.options.get("path")
    if not changes and isinstance(held, str) and recipe.data.kind != "tar" and not Path(held).exists():
        raise InputError(f"{run}: its images are no longer at {held}; add data.path=PATH to say where they are now")
    if changes:
        path = changes.get("data.path")
        kind = {"data.kind": kind_of(Path(path))} if isinstance(path, str) and "data.kind" not in changes else {}
        recipe = resolve(apply(recipe.table(), {**kind, **changes}))
    splits = load_data(recipe)
    try:
        check_data(run, splits)
    except InputError as error:
        if not changes:
            raise
        raise InputError(
            f"{run}: the images at {splits.source} are not those it was trained on; `--data PATH` scores it on them "
            "as another test set"
        ) from error
    return splits


def _as_moved(run: Path, source: str) -> Splits | None:
    """The run's images, if `source` holds just these; None otherwise, and if it cannot be read in that way."""
    path, kind = Path(source), read_recipe(run).data.kind
    with suppress(InputError):
        if not path.exists():
            return own_images(run, {}) if source == kind else None  # the name of a data set
        if kind_of(path) == kind:
            return own_images(run, {"data.path": source})
    return None


def _other(run: Path, own: Splits, source: str, skip_broken: bool) -> FoundImages:
    pictures = NamedImages([source], form_of(run), skip_broken=skip_broken)
    blocks = list(pictures.blocks())
    pixels = np.concatenate([block.pixels for block in blocks])
    labels = _numbered([label for block in blocks for label in block.labels], own.class_names)
    if len(pixels) < _LEAST:
        raise InputError(f"--data: {source} holds {counted(len(pixels), 'picture')}; name 2 or more")
    images = ImageSet(pixels, labels)
    test_hash = data_hash(hashes_of(images))
    about = OtherTestSet(
        f"{_NO_NAME.sub('-', Path(source).stem).strip('.-') or 'images'}-{test_hash.rpartition(':')[2][:8]}",
        source,
        (
            f"These are scores on another test set, {counted(len(pixels), 'picture')} of {source}, and not on the "
            "run's own test images.",
            *_seen(run, own, pixels),
        ),
    )
    splits = replace(own, test=images, test_hash=test_hash, own_test=True)
    return FoundImages(splits, about, (*about.flags, *pictures.notices()))


def _seen(run: Path, own: Splits, pixels: np.ndarray) -> list[str]:
    """What to say of pictures that took part in the training."""
    mirror = read_environment(run).mirror
    known = known_pictures(own, mirrored=mirror is not None and mirror.mirrors)
    trained, chose = (int(found.sum()) for found in known.which(pixels))
    said = [(trained, "trained on"), (chose, "used to choose the weights")]
    return [
        f"{count:,} of these {counted(len(pixels), 'picture')} {'was' if count == 1 else 'were'} {what}: the scores "
        "are too good."
        for count, what in said
        if count
    ]


def _numbered(labels: list[Label], class_names: tuple[str, ...]) -> np.ndarray | None:
    """(N,) int64: labels as the run numbers its classes, -1 for those that it does not have; None if it has none."""
    places = {name: place for place, name in enumerate(class_names)}

    def number(label: Label) -> int:
        if isinstance(label, str):
            return places.get(label, -1)
        known = label is not None and 0 <= label < (len(class_names) or 1 << 31)
        return int(label) if known and label is not None else -1

    found = np.array([number(label) for label in labels], np.int64)
    return found if (found >= 0).any() else None
