"""What parts yield, and how it travels from their process: one line of JSON each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Value:
    """A value of the row of this name; a later one replaces it."""

    name: str
    value: float


@dataclass(frozen=True)
class Said:
    """A sentence beside the table."""

    sentence: str


@dataclass(frozen=True)
class NoGoal:
    """The row of this name cannot be held against its goal here, and why."""

    name: str
    reason: str


Found = Value | Said | NoGoal
_KINDS = {kind.__name__: kind for kind in (Value, Said, NoGoal)}


def to_line(found: Found) -> str:
    return json.dumps({"found": type(found).__name__, **asdict(found)})


def from_line(line: str) -> Found | None:
    """None for any other line, such as one that a library printed."""
    try:
        read = json.loads(line)
        return _KINDS[read.pop("found")](**read)
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
