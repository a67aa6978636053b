"""What a rule of the doctor finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Diagnosis:
    """One sentence, what to do about it, and the numbers behind both.

    severity: "error" where the result is not what its reader takes it for, "warning" where it could be better, "note"
    where it is good to know.
    """

    rule: str
    severity: Severity
    sentence: str
    remedy: str
    measured: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "measured": dict(self.measured)}


def counts(severities: Sequence[str]) -> list[str]:
    """['1 error', '2 warnings'], the gravest first, without those that there are none of."""
    numbers = {name: list(severities).count(name) for name in SEVERITIES}
    return [f"{number} {name}{'' if number == 1 else 's'}" for name, number in numbers.items() if number]


def as_sentence(words: str) -> str:
    """With a capital letter and a full stop; names within stay as they are."""
    return words[:1].upper() + words[1:] + "."
