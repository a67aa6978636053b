"""What a reader needs to reproduce the numbers, and what to know before quoting them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from isthmus.pages.report import text
from isthmus.pages.report.read_folder import RunFolder
from isthmus.run_files.data import Data

_VALUES_SHOWN = 3
_SHOWN_ELSEWHERE = ("command", "data", "format")
_PLAIN_NAMES = {"mirror.mirrors": "mirrors images", "mirror.sentence": "mirrors images, why"}


@dataclass(frozen=True)
class Caution:
    """A sentence, and the names it applies to ('' if that is obvious)."""

    sentence: str
    about: str = ""


def cautions(flagged: Iterable[tuple[str, Sequence[str]]]) -> list[Caution]:
    """[(name, its sentences)] -> each sentence once, with all names it applies to."""
    named = list(flagged)
    about: dict[str, list[str]] = {}
    for name, sentences in named:
        for sentence in dict.fromkeys(sentences):
            about.setdefault(sentence, []).append(name)
    everyone = len({name for name, _ in named})
    return [
        Caution(sentence, "Every variation" if len(names) == everyone > 1 else text.listing(names))
        for sentence, names in about.items()
    ]


def environment(runs: Sequence[RunFolder], data: Data) -> list[tuple[str, str]]:
    """(name, value) rows: the data's hash, then the runs' environment.json; if runs differ, each value once."""
    values: dict[str, dict[str, None]] = {"data hash": {data.hash: None}} if data.hash else {}
    for run in runs:
        known: Mapping[str, JsonValue] = {k: v for k, v in run.environment.items() if k not in _SHOWN_ELSEWHERE}
        for key, value in text.flatten(dict(known)):
            if value:
                values.setdefault(_PLAIN_NAMES.get(key, key.replace("_", " ")), {})[value] = None
    return [
        (key, " / ".join(found) if len(found) <= _VALUES_SHOWN else f"{next(iter(found))} and {len(found) - 1} others")
        for key, found in values.items()
    ]


def image_counts(data: Data) -> str:
    """'7,261 training, 807 validation and 500 test images'."""
    counts = (
        (data.train_images, "training"),
        (data.validation_images, "validation"),
        (data.test_images, "test"),
    )
    known = [f"{number:,} {part}" for number, part in counts if number is not None]
    return f"{text.listing(known)} images" if known else ""


def device(runs: Sequence[RunFolder]) -> str:
    """The devices that trained, by name: 'cpu', 'cuda (bf16)'."""
    names: dict[str, None] = {}
    for run in runs:
        cost = run.evaluation.cost
        if cost.device:
            names[f"{cost.device} ({cost.precision})" if cost.precision else cost.device] = None
    return text.listing(list(names))
