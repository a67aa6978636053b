"""Why the class attributes of a measure or a check of another package do not fit: its author may not have tested them.

Each function takes a part's kind and class and returns the end of a sentence, or None if they fit.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, get_args

from pydantic import ValidationError

from isthmus.core.wording import shown
from isthmus.evaluation.describe_measures import describe
from isthmus.evaluation.doctor.diagnosis import State
from isthmus.evaluation.interfaces import Check, Measure
from isthmus.run_files.scores import Score


def fault_of_measure(kind: str, part: type[Any]) -> str | None:
    if kind in Score.model_fields:  # a score is recorded beside these numbers, by its name
        return "has the name of a number that evaluation.json holds beside the measures"
    if (missing := _missing(Measure, part)) is not None:
        return missing
    for bound in ("least", "most"):
        if isinstance(value := getattr(part, bound), bool) or not isinstance(value, int | float):
            return f"has {shown(value)} as its {bound}, and a number is needed"
    if not part.least < part.most:
        return f"has {part.least} as its least and {part.most} as its most, and least must be lower"
    try:
        describe(part)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        return f"has {shown(first['input'])} as its {first['loc'][0]}, which does not fit: {first['msg']}"
    return None


def fault_of_check(kind: str, part: type[Any]) -> str | None:
    if (missing := _missing(Check, part)) is not None:
        return missing
    known = get_args(State)
    states: Any = part.states
    several = isinstance(states, Collection) and not isinstance(states, str) and len(states) > 0
    if not several or any(one not in known for one in states):
        return f"has {shown(states)} as its states, and a tuple of some of {', '.join(known)} is needed"
    return None


def _missing(interface: type[Any], part: type[Any]) -> str | None:
    missing = [name for name in interface.__annotations__ if name not in dir(part)]
    if not missing:
        return None
    return f"has no {' and no '.join(missing)}, which {interface.__module__}.{interface.__name__} asks for"
