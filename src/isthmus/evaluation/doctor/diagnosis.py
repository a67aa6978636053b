"""What a rule of the doctor finds, and what it would have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from isthmus.run_files.diagnosis import Severity

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

# how far a run came: too few steps to say anything of, at the PCA it started from, or somewhere of its own
State = Literal["untrained", "at_pca", "trained"]
ALWAYS: tuple[State, ...] = ("untrained", "at_pca", "trained")


@dataclass(frozen=True)
class Remedy:
    """One thing to try.

    words: in the rest of a sentence, such as "train longer ({})"; {} stands for the changes as the command line takes
    them. changes: dotted option -> value, where options can do it: a run of the same recipe with these is the remedy.
    """

    words: str
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.words.format(" ".join(f"{path}={_written(value)}" for path, value in self.changes.items()))


@dataclass(frozen=True)
class Fault:
    """What a rule saw: a sentence, what could mend it, the likeliest first, and the numbers behind both.

    severity: "error" where the result is not what its reader takes it for, "warning" where it could be better, "note"
    where it is good to know. remedies: may hold some that do not fit the recipe; who examines leaves these out.
    """

    severity: Severity
    sentence: str
    remedies: Sequence[Remedy]
    measured: Mapping[str, float] = field(default_factory=dict)


def counts(severities: Sequence[str]) -> list[str]:
    """['1 error', '2 warnings'], the gravest first, without those that there are none of."""
    numbers = {name: list(severities).count(name) for name in SEVERITIES}
    return [f"{number} {name}{'' if number == 1 else 's'}" for name, number in numbers.items() if number]


def times(ratio: float, decimals: int = 2) -> str:
    """'1.25 times'; beyond a hundred the figures say no more."""
    return f"{ratio:.{decimals}f} times" if ratio <= 100 else "over 100 times"


def as_sentence(words: str) -> str:
    """With a capital letter and a full stop; names within stay as they are."""
    return words[:1].upper() + words[1:] + "." if words else ""


def _written(value: Any) -> str:
    """As an override takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.3g}" if isinstance(value, float) else str(value)
