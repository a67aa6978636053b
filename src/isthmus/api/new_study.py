"""Writes a commented study file for given images, and the JSON schema beside it."""

from __future__ import annotations

import json
import os
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.api.asked import options_of_path
from isthmus.core import registry
from isthmus.core.atomic_files import about, write_text
from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.data.look import Look, look_at
from isthmus.recipes.new_study import Sizes, study_text
from isthmus.recipes.schema import MARK, study_schema

SCHEMA = "isthmus-study.schema.json"
_WITHOUT_DATA = "digits"  # comes with scikit-learn: nothing is downloaded
_LARGEST_SIDE, _LEAST_SIDE = 128, 8  # pixels
_LARGEST_SCHEMA = 1 << 24  # bytes


@dataclass(frozen=True)
class NewStudy:
    """A study file that was written. schema: None where a file of another maker has its name."""

    path: Path
    schema: Path | None
    images: int
    image_shape: tuple[int, int, int]
    notices: tuple[str, ...]


def new_study(path: Path, data: str | None) -> NewStudy:
    """Write a study of these images to `path`. data: a path of images, or a data set's kind; None for `digits`.

    Raises InputError where the file exists, where its name does not end in .toml, and where no image can be read.
    """
    if path.suffix != ".toml":
        raise InputError(f"{path}: the name of a study file ends in .toml; write {path.name or 'study'}.toml")
    if os.path.lexists(path):
        raise _exists(path)
    options = _options(_WITHOUT_DATA if data is None else data)
    kind = options.pop("kind")
    look = look_at(registry.build("datasets", kind, options))
    options, sizes, said = _fitted(kind, options, look)
    notices = [*said, *look.unreadable[:3]]
    if look.unreadable:
        options["skip_broken"] = True
        said.append("Pictures that cannot be read are left out and named (skip_broken).")
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = _write_schema(path.parent, notices)
    name = None if schema is None else f"./{schema.name}"
    # written where a user works: the command in its comments is the one that works there
    text = study_text(shlex.quote(str(path)), name, {"kind": kind, **options}, sizes, said)
    _write_new(path, text)
    return NewStudy(path, schema, sizes.images, (sizes.channels, sizes.height, sizes.width), tuple(notices))


def _options(data: str) -> dict[str, Any]:
    if data == "scenes":  # drawn by code, as many as are asked for
        return {"kind": data, "train": 3200, "test": 500}
    if data in registry.kinds("datasets"):
        return {"kind": data}
    return {name.removeprefix("data."): value for name, value in options_of_path(data).items()}


def _fitted(kind: str, options: dict[str, Any], look: Look) -> tuple[dict[str, Any], Sizes, list[str]]:
    """The data set's options with a size where one is needed, the sizes of the study, and sentences about both."""
    height, width = look.height, look.width
    said = [] if look.same_size else ["The pictures differ in size."]
    can_size = "size" in registry.described("datasets", kind).options
    if can_size and (not look.same_size or max(height, width) > _LARGEST_SIDE):
        side = max(_LEAST_SIDE, min(_LARGEST_SIDE, height, width) // _LEAST_SIDE * _LEAST_SIDE)
        height = width = side
        said.append(f"size = {side}: each picture is scaled, and its middle cut out; `fit` chooses another way.")
    size = height if height == width else [height, width]
    kept = look.same_size and (height, width) == (look.height, look.width)
    without = _usual_size(kind) if can_size else None
    if can_size and size != without and not (kept and without is None):
        options = {**options, "size": size}
    return options, Sizes(look.images, look.channels, height, width), said


def _usual_size(kind: str) -> Any:
    """The size that a data set gives its pictures if none is asked for; None where it keeps theirs."""
    return registry.described("datasets", kind).options["size"].default


def _write_schema(folder: Path, notices: list[str]) -> Path | None:
    """Write the schema beside the study; one that isthmus wrote earlier is replaced, another file is not."""
    path = folder / SCHEMA
    if os.path.lexists(path) and not _is_ours(path):
        notices.append(f"{path} is not isthmus's own and stays as it is; editors get no schema.")
        return None
    write_text(path, json.dumps(study_schema(), indent=1) + "\n")
    return path


def _is_ours(path: Path) -> bool:
    try:
        found = json.loads(read_bytes(path, largest=_LARGEST_SCHEMA))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and str(found.get("$comment", "")).startswith(MARK)


def _write_new(path: Path, text: str) -> None:
    """Write a file that does not exist yet, also if another process makes it meanwhile; all of it, or none."""
    with about(path):
        try:
            file = open(path, "x", encoding="utf-8")  # noqa: SIM115 - closed below
        except FileExistsError:
            raise _exists(path) from None
        try:
            with file:
                file.write(text)
        except BaseException:
            with suppress(OSError):  # on a full disk, half a file would be in the way of the next try
                path.unlink()
            raise


def _exists(path: Path) -> InputError:
    return InputError(f"{path}: exists, and `isthmus new` never writes over a file; choose another name")
