"""Runs from anywhere, brought together as the variations of a study are: scores, comparisons and sentences."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from isthmus.core.errors import InputError, RunError
from isthmus.core.wording import on_one_line
from isthmus.recipes.variation import Variation
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.findings import Findings, note
from isthmus.run_files.read import read_record
from isthmus.runs.findings import summed_up
from isthmus.runs.flat_options import flat
from isthmus.runs.run_folder import check_is_run, is_evaluated, read_recipe
from isthmus.runs.study_row import StudyRow
from isthmus.runs.unlike_images import unlike

_ONE_SEED = (
    "One seed: a verdict is about these trained models and says nothing about the choice between them; name folders of "
    "several seeds, STUDY/VARIATION, to judge a choice."
)


def gathered(folders: Sequence[Path], root: Path, *, command: str) -> Findings:
    """What these runs say, each compared with the first one and with PCA.

    folders: of runs, or of a study's variation, `STUDY/VARIATION`, whose seeds are averaged.
    root: the folder from which the record names the runs. Runs without scores are in the record, as missing.
    Raises InputError where a folder is no run, or is given twice.
    """
    homes = {folder: _homes(folder) for folder in folders}
    if len(homes) < len(folders) or len({os.path.realpath(folder) for folder in folders}) < len(folders):
        twice = next(one for place, one in enumerate(folders) if _is_in(one, folders[:place]))
        raise InputError(f"{twice}: is named twice; name each run once")
    names = _names(folders)
    base = _options(homes[folders[0]])
    hashes = _test_hashes(home for places in homes.values() for home in places.values())
    rows: list[StudyRow] = []
    for folder in folders:
        own = _options(homes[folder])
        changes = {key: own.get(key) for key in {**base, **own} if base and own and own.get(key) != base.get(key)}
        compare = (names[folders[0]],) if folder != folders[0] else ()
        variation = Variation(names[folder], "", None, changes, compare, {})
        rows.append(StudyRow(variation, homes[folder], root, hashes, ended=False))
    return summed_up(
        rows,
        name=" and ".join(names.values()) if len(names) == 2 else f"{names[folders[0]]} and {len(names) - 1} others",
        about=None,
        seeds=tuple(sorted({seed for places in homes.values() for seed in places})),
        notes=[note(None, _ONE_SEED)] if any(len(row.evaluations) == 1 for row in rows) else [],
        command=command,
    )


def check_comparable(folders: Sequence[Path]) -> None:
    """Check that each run has scores that are whole, and all on the same test images as the first.

    Raises InputError, or RunError for a damaged evaluation; one sentence that says how the images differ. A run that is
    named alone and with its variation is refused too: it would be compared with itself.
    """
    found = [(home, _scored(home)) for folder in folders for home in _homes(folder).values()]
    for number, (home, _) in enumerate(found):
        if _is_in(home, [other for other, _ in found[:number]]):
            raise InputError(f"{home}: is named twice; name each run once")
    (first, images), *others = found
    for home, evaluation in others:
        how = unlike(first, images, home, evaluation)
        if how:
            raise InputError(how)
    for home, _ in found:  # last, because the images may be why
        if not is_evaluated(home):
            raise InputError(f"{home}: its scores are not whole; `isthmus evaluate {home}` writes them again")


def tested_on(folders: Sequence[Path]) -> str:
    """A sentence where not all runs that have scores were tested on the same images; empty where they were."""
    found: dict[str, list[str]] = {}
    known: set[tuple[str, int | None]] = set()
    names = _names(folders)
    for folder in folders:
        for home in _homes(folder).values():
            with suppress(RunError):
                data = read_record(home / "evaluation.json", EvaluationRecord).data
                known.add((data.test_hash or data.hash, data.test_images))
                words = f"{data.test_images or 0:,} images of {data.source}"
                if names[folder] not in found.setdefault(words, []):
                    found[words].append(names[folder])
    if len(known) < 2:
        return ""
    each = "; ".join(f"{', '.join(who)} on {words}" for words, who in found.items())
    return f"Not all were scored on the same images, so rows cannot be compared: {each}."


def _scored(home: Path) -> EvaluationRecord:
    if os.path.lexists(home / "failed.json"):  # scores beside it are not of the last training
        raise InputError(f"{home}: failed when it was last trained; `isthmus runs {home}` says why")
    if not (home / "evaluation.json").is_file():
        read_recipe(home)  # where it cannot be read, neither of these would go on
        remedy = f"`isthmus train {home} --resume` goes on with it"
        if (home / "training.json").is_file():
            remedy = f"`isthmus evaluate {home}` scores it"
        raise InputError(f"{home}: has no scores yet; {remedy}")
    return read_record(home / "evaluation.json", EvaluationRecord)


def _homes(folder: Path) -> dict[int, Path]:
    """seed -> run folder: of a run its own, of a study's variation one per seed. Raises InputError for others."""
    if not (folder / "recipe.toml").exists() and (homes := _seeds(folder)):
        return homes
    check_is_run(folder)
    with suppress(InputError, RunError):
        return {read_record(folder / "evaluation.json", EvaluationRecord).seed: folder}
    with suppress(InputError):
        return {read_recipe(folder).seed: folder}
    return {0: folder}


def _seeds(folder: Path) -> dict[int, Path]:
    found = {
        int(number): home
        for home in folder.glob("seed-*")
        if (number := home.name.removeprefix("seed-")).isdecimal() and (home / "recipe.toml").is_file()
    }
    return dict(sorted(found.items()))


def _test_hashes(homes: Iterable[Path]) -> dict[str, str]:
    """Data hash -> hash of the test images in it, as the runs of newer versions tell."""
    found: dict[str, str] = {}
    for home in homes:
        with suppress(RunError):
            data = read_record(home / "evaluation.json", EvaluationRecord).data
            if data.hash and data.test_hash:
                found[data.hash] = data.test_hash
    return found


def _is_in(folder: Path, others: Sequence[Path]) -> bool:
    return os.path.realpath(folder) in {os.path.realpath(other) for other in others}


def _names(folders: Sequence[Path]) -> dict[Path, str]:
    """A short name of each folder, on one line; the path as typed where two have the same."""
    short = {
        folder: f"{folder.parent.name}/{folder.name}" if folder.name.startswith("seed-") else folder.name
        for folder in folders
    }
    count = Counter(short.values())
    whole = {folder: name if name and count[name] == 1 else str(folder) for folder, name in short.items()}
    return {folder: on_one_line(name) for folder, name in whole.items()}


def _options(homes: Mapping[int, Path]) -> dict[str, Any]:
    """Dotted option -> value of the runs' recipe; empty where it cannot be read."""
    with suppress(InputError):
        return flat(read_recipe(next(iter(homes.values()))).table())
    return {}
