"""What the doctor says, ready for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.report import text
from isthmus.report.schema import Diagnosis, Variation

_SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class Said:
    """One variation's sentences."""

    name: str
    colour: int
    lines: Sequence[Diagnosis]


def study_doctor(variations: Sequence[Variation]) -> list[Said]:
    """The variations about which there is something to say."""
    return [Said(v.name, colour, v.doctor) for colour, v in enumerate(variations) if v.doctor]


def counts(lines: Sequence[Diagnosis]) -> str:
    """'1 error, 2 warnings and 1 note'."""
    numbers = {severity: sum(line.severity == severity for line in lines) for severity in _SEVERITIES}
    return text.listing([f"{number} {name}{'' if number == 1 else 's'}" for name, number in numbers.items() if number])
