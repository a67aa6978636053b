"""Reads the JSON files of a run folder; `isthmus.core.atomic_files` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isthmus.core.bounded_reading import parse_json, read_bytes, reason
from isthmus.core.errors import RunError


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
