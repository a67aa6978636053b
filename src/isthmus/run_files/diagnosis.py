"""What the doctor says about a run, in evaluation.json and findings.json."""

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
    """`error`: the result does not mean what it seems to mean. `warning`: it could be better. `note`: good to know."""
    sentence: str
    """What is wrong."""
    remedy: str = ""
    """What to do, in a sentence; empty if there is nothing to do."""
    measured: dict[str, Number] = Field(default_factory=dict)
    """The numbers on which it is based, by name."""
    changes: tuple[dict[str, JsonValue], ...] = ()
    """The remedies that are changes of options, each dotted option -> value."""
    seeds: tuple[Count, ...] = ()
    """In a study: the seeds concerned."""
