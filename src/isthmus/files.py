"""Small files of a run folder: written beside and renamed, so that a crash leaves the old file or the new one."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isthmus.errors import RunError
from isthmus.reading import parse_json, read_bytes, reason


def read_json(path: Path) -> Any:
    """A JSON file of a run folder. Raises RunError where it is missing or damaged."""
    try:
        return parse_json(read_bytes(path))
    except FileNotFoundError:
        raise RunError(f"{path}: is missing; restore it from a copy, or train again with another --out") from None
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path}: cannot be read ({reason(error)}); restore it from a copy, or train again with another --out"
        ) from None


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """A name beside `path` to write to; takes the place of `path` once it is written whole."""
    beside = path.with_name(path.name + ".new")
    with naming(path):
        try:
            yield beside
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)  # on a full disk, half a file is in the way of the next try
            raise


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Tell an OSError which file it is about: a write that finds the disk full does not say."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
