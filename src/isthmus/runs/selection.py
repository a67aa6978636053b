"""Choose and order listed runs: `state=failed,unfinished`, `recipe=vae*`, and by score, age or size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.runs.listed import STATES, ListedRun

_TEXTS: dict[str, Callable[[ListedRun], tuple[str, ...]]] = {
    "name": lambda run: (run.name, run.folder.name),
    "study": lambda run: (run.study,),
    "recipe": lambda run: (run.recipe,),
    "data": lambda run: (run.data,),
    "state": lambda run: (run.state,),
}
FILTERS = tuple(_TEXTS)

# small keys come first: the best scores, the newest and the largest runs
_KEYS: dict[str, Callable[[ListedRun], Any]] = {
    "name": lambda run: 0,  # as they were listed
    "recipe": lambda run: run.recipe.casefold(),
    "data": lambda run: run.data.casefold(),
    "state": lambda run: STATES.index(run.state),
    "score": lambda run: -_or_lowest(run.psnr.mean),
    "pca": lambda run: -_or_lowest(run.over_pca.mean),
    "age": lambda run: math.inf if run.started is None else -run.started.timestamp(),
    "size": lambda run: -run.size,
}
SORTS = tuple(_KEYS)


@dataclass(frozen=True)
class Filter:
    """One condition: a text of a run matches one of the patterns, in which `*` stands for anything."""

    key: str
    patterns: tuple[str, ...]

    def holds(self, run: ListedRun) -> bool:
        texts = [text.casefold() for text in _TEXTS[self.key](run)]
        return any(fnmatchcase(text, pattern.casefold()) for text in texts for pattern in self.patterns)


def parsed(words: Iterable[str]) -> list[Filter]:
    """Filters as typed: `state=failed`, or a pattern of names alone. Raises InputError for any other."""
    return [_parsed(word) for word in words]


def _parsed(word: str) -> Filter:
    key, _, patterns = word.partition("=") if "=" in word else ("name", "", word)
    found = tuple(pattern.strip() for pattern in patterns.split(",") if pattern.strip())
    if key not in _TEXTS or not found:
        raise InputError(
            f"--filter: {shown(word)} does not fit: give one of {', '.join(FILTERS)}, = and patterns, such as "
            "state=failed,unfinished or recipe=vae*"
        )
    if key == "state" and (wrong := [one for one in found if not any(fnmatchcase(state, one) for state in STATES)]):
        raise InputError(f"--filter: {shown(wrong[0])} is no state; there are {', '.join(STATES)}")
    return Filter(key, found)


def selected(runs: Sequence[ListedRun], filters: Sequence[Filter], sort: str) -> list[ListedRun]:
    """The runs for which all filters hold, in order; those of a study stay together, where its first one stands.

    Raises InputError where `sort` is none of `SORTS`.
    """
    if sort not in _KEYS:
        raise InputError(f"--sort: {shown(sort)} does not fit: it is one of {', '.join(SORTS)}")
    kept = sorted((run for run in runs if all(one.holds(run) for one in filters)), key=_KEYS[sort])
    groups: dict[object, list[ListedRun]] = {}
    for run in kept:
        groups.setdefault(run.study or run.folder, []).append(run)
    return [run for group in groups.values() for run in group]


def _or_lowest(value: float) -> float:
    return -math.inf if math.isnan(value) else value
