"""Whether two runs were tested on the same images, and if not, in words how those differ."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from isthmus.core.errors import InputError
from isthmus.core.wording import counted, shown
from isthmus.run_files.data import Data
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.runs.flat_options import flat
from isthmus.runs.run_folder import read_recipe

_OPTIONS = 3  # named in a sentence


def unlike(first: Path, images: EvaluationRecord, other: Path, others: EvaluationRecord) -> str:
    """Why the scores of two runs cannot be paired, in one sentence; empty where they can."""
    one, two = images.data, others.data
    unknown = [folder for folder, data in ((first, one), (other, two)) if not data.test_hash]
    # older versions wrote one hash of all images: where it is the same, so are the test images
    if (unknown and one.hash and one.hash == two.hash) or (not unknown and one.test_hash == two.test_hash):
        return ""
    if unknown:
        return (
            f"{other} and {first}: it is not recorded on which images {unknown[0]} was tested; "
            f"`isthmus evaluate {unknown[0]}` records it"
        )
    return (
        f"{other} and {first}: were tested on different images ({_how(first, one, other, two)}), so their scores "
        "cannot be paired; train both with the same data and split"
    )


def _how(first: Path, one: Data, other: Path, two: Data) -> str:
    """What is different, as far as it is recorded; the other run's first, as in the sentence."""
    if one.source != two.source:
        return f"{_images(two)} and {_images(one)}"
    found: list[str] = []
    if one.test_images != two.test_images:
        found.append(f"{two.test_images or 0:,} and {one.test_images or 0:,} of them")
    if one.image_shape != two.image_shape:
        found.append(f"of shape {_shape(two)} and {_shape(one)}")
    with suppress(InputError):
        theirs, ours = _chosen(other), _chosen(first)
        differ = [option for option in {**theirs, **ours} if theirs.get(option) != ours.get(option)]
        found += [f"{name} is {_value(theirs, name)} and {_value(ours, name)}" for name in differ[:_OPTIONS]]
    return ", ".join(found) or "the source and the options are the same, so its files have changed"


def _value(options: Mapping[str, Any], name: str) -> str:
    return shown(options[name]) if name in options else "not set"


def _chosen(folder: Path) -> dict[str, Any]:
    """The options that choose the images, dotted."""
    table = read_recipe(folder).table()
    return flat({name: table.get(name, {}) for name in ("data", "split")})


def _images(data: Data) -> str:
    return f"{counted(data.test_images or 0, 'image')} of {data.source or data.kind or 'an unknown source'}"


def _shape(data: Data) -> str:
    return "x".join(map(str, data.image_shape or ()))
