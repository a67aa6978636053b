"""What the doctor says of a run, as evaluation.json and findings.json hold it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from isthmus.run_files.record import Count, Number, Record

Severity = Literal["error", "warning", "note"]


class Diagnosis(Record):
    """One sentence of the doctor, and what to do about it."""

    rule: str
    """The check that found it."""
    severity: Severity = "note"
    """`error`: the result is not what its reader takes it for. `warning`: it could be better. `note`: good to know."""
    sentence: str
    """What is wrong."""
    remedy: str = ""
    """What to do, a sentence; empty where there is nothing to do."""
    measured: dict[str, Number] = Field(default_factory=dict)
    """The numbers behind it, by name."""
    changes: tuple[dict[str, JsonValue], ...] = ()
    """The remedies that options can do, each dotted option -> value."""
    seeds: tuple[Count, ...] = ()
    """In a study: the seeds that it is about."""
