"""What a check of the doctor finds, and the remedies that it suggests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from isthmus.run_files.diagnosis import Severity

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

# how far a run came: too few steps to judge, still at the PCA that it started from, or trained
State = Literal["untrained", "at_pca", "trained"]
ALWAYS: tuple[State, ...] = ("untrained", "at_pca", "trained")


@dataclass(frozen=True)
class Remedy:
    """One thing to try.

    words: part of a sentence, such as "train longer ({})"; {} is replaced by the changes, as on the command line.
    changes: dotted option -> value; the remedy is a run of the same recipe with these. Empty where options cannot help.
    """

    words: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.words.format(" ".join(f"{path}={_written(value)}" for path, value in self.changes.items()))


@dataclass(frozen=True)
class Fault:
    """What a check found: a sentence, possible remedies, the likeliest first, and the numbers behind both.

    severity: "error" where the result would mislead its reader, "warning" where it could be better, "note" for
    information. remedies: may hold some that do not fit the recipe; `examine` leaves these out.
    """

    severity: Severity
    sentence: str
    remedies: Sequence[Remedy]
    measured: Mapping[str, float] = field(default_factory=dict)


def counts(severities: Sequence[str]) -> list[str]:
    """['1 error', '2 warnings'], the most severe first, without zeros."""
    numbers = {name: list(severities).count(name) for name in SEVERITIES}
    return [f"{number} {name}{'' if number == 1 else 's'}" for name, number in numbers.items() if number]


def times(ratio: float, decimals: int = 2) -> str:
    """'1.25 times'; 'over 100 times' for large ratios, whose digits do not matter."""
    return f"{ratio:.{decimals}f} times" if ratio <= 100 else "over 100 times"


def as_sentence(words: str) -> str:
    """`words` with a capital first letter and a full stop; other letters stay."""
    return words[:1].upper() + words[1:] + "." if words else ""


def _written(value: Any) -> str:
    """A value as it is written in an override."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.3g}" if isinstance(value, float) else str(value)
