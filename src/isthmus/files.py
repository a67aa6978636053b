"""Small files of a run folder: written beside and renamed, so that a crash leaves the old file or the new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isthmus.errors import RunError


def read_json(path: Path) -> Any:
    """A JSON file of a run folder. Raises RunError where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({error}); remove it and run again") from None


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
