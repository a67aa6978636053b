"""What the doctor says, ready for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.findings import VariationRecord


@dataclass(frozen=True)
class Said:
    """One variation's sentences."""

    name: str
    colour: int
    lines: Sequence[Diagnosis]


def study_doctor(variations: Sequence[VariationRecord]) -> list[Said]:
    """The variations about which there is something to say."""
    return [Said(v.name, colour, v.doctor) for colour, v in enumerate(variations) if v.doctor]
