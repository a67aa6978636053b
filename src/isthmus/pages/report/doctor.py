"""The doctor's diagnoses, prepared for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.findings import VariationRecord


@dataclass(frozen=True)
class Said:
    """The diagnoses of one variation."""

    name: str
    colour: int
    lines: Sequence[Diagnosis]


def study_doctor(variations: Sequence[VariationRecord]) -> list[Said]:
    """The variations that have a diagnosis."""
    return [Said(v.name, colour, v.doctor) for colour, v in enumerate(variations) if v.doctor]
