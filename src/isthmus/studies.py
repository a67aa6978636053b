"""Studies: variations x seeds, each run once, and what they say when held against each other."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from isthmus.errors import InputError, RunError
from isthmus.files import write_json, write_text
from isthmus.findings import findings, run_folder
from isthmus.model import Autoencoder, build_objective
from isthmus.plan import Plan
from isthmus.recipe import FORMAT, PART_TABLES, Raw, Recipe
from isthmus.runs import Event, check, load_data, locked, run
from isthmus.splits import Splits, content_hashes, data_hash
from isthmus.training.machine import choose_device


@dataclass(frozen=True)
class RunBegins:
    """Yielded before each run of a study, `number` of `total`."""

    variation: str
    seed: int
    number: int
    total: int


@dataclass(frozen=True)
class RunFailed:
    """Yielded where a run could not finish; the study goes on."""

    variation: str
    seed: int
    sentence: str


@dataclass(frozen=True)
class StudyDone:
    """Yielded last."""

    folder: Path
    findings: dict[str, Any]


StudyEvent = RunBegins | RunFailed | StudyDone | Event


def study(plan: Plan, folder: Path, cache: Path, *, command: str) -> Iterator[StudyEvent]:
    """Run what is missing of a study in `folder`, then compare.

    A failed run is named in the findings and loses nothing of the others. Raises InputError for a mistake in
    the plan or the data before anything is trained.
    """
    data = _Data()
    pairs = [(variation, seed) for seed in plan.seeds for variation in plan.variations]
    _check(plan, folder, data)
    # Two of the same study at once would call each other's runs failed.
    with locked(folder):
        _write_plan(plan, folder)
        for number, (variation, seed) in enumerate(pairs, start=1):
            home, recipe = run_folder(folder, variation.name, seed), variation.recipe(seed)
            yield RunBegins(variation.name, seed, number, len(pairs))
            failure = home / "failed.json"
            failure.unlink(missing_ok=True)
            try:
                yield from run(recipe, home, data.of(recipe), cache)
            except Exception as error:  # whatever it is, the other runs are not its victims
                expected = isinstance(error, InputError | RunError | OSError)
                sentence = str(error) if expected else f"{type(error).__name__}: {error}"
                home.mkdir(parents=True, exist_ok=True)  # it may have failed before it had a folder
                write_json(failure, {"format": 1, "error": sentence, "traceback": traceback.format_exc()})
                yield RunFailed(variation.name, seed, sentence)
        found = findings(plan, folder, command=command)
        write_json(folder / "findings.json", found)
    yield StudyDone(folder, found)


class _Data:
    """Splits by recipe, one at a time: variations on the same images share them."""

    def __init__(self) -> None:
        self.key = ""
        self.splits: Splits | None = None
        self.tests: dict[str, str] = {}

    def of(self, recipe: Recipe) -> Splits:
        table = recipe.table()
        key = json.dumps([table["data"], table["split"]])
        if self.splits is None or key != self.key:
            self.splits = None  # freed before the next is read
            self.key, self.splits = key, load_data(recipe)
        return self.splits

    def test_hash(self, recipe: Recipe) -> str:
        """Which images the recipe is tested on: equal hashes, equal images in the same order."""
        splits = self.of(recipe)
        if self.key not in self.tests:
            self.tests[self.key] = data_hash(content_hashes(splits.test.images))
        return self.tests[self.key]


def _check(plan: Plan, folder: Path, data: _Data) -> None:
    """Find every mistake of the plan before the first hour of training."""
    if (folder / "recipe.toml").exists():
        raise InputError(f"{folder}: holds a single run, not a study; choose another --out")
    tests: dict[str, str] = {}
    for variation in plan.variations:
        recipe = variation.recipe(plan.seeds[0])
        try:
            choose_device(recipe.train.device)
            shape = data.of(recipe).train.images.shape[1:]
            build_objective(recipe, Autoencoder(recipe, shape))
            tests[variation.name] = data.test_hash(recipe)
        except InputError as error:
            raise InputError(f"{variation.name}: {error}") from None
        for seed in plan.seeds:
            home = run_folder(folder, variation.name, seed)
            if (home / "recipe.toml").exists():
                check(home, variation.recipe(seed))
    for variation in plan.variations:
        if variation.compare is not None and tests[variation.name] != tests[variation.compare]:
            raise InputError(
                f"{variation.name}: compared with {variation.compare!r}, which is tested on other images; "
                "leave `compare` out, or give both the same data and split"
            )


def _write_plan(plan: Plan, folder: Path) -> None:
    """study.toml: what all variations share as the base, the rest as their changes; it can be run again."""
    tables = {row.name: row.recipe(plan.seeds[0]).table() for row in plan.variations}
    for table in tables.values():
        for key in ("format", "name", "seed"):
            del table[key]
    first = next(iter(tables.values()))
    base: Raw = {}
    for name, options in first.items():
        shared = {k: v for k, v in options.items() if all(t[name].get(k) == v for t in tables.values())}
        if name not in PART_TABLES or "kind" in shared:  # another kind brings all its own options
            base[name] = shared
    rows: list[Raw] = []
    for row in plan.variations:
        changes = {
            f"{name}.{key}": value
            for name, options in tables[row.name].items()
            for key, value in options.items()
            if key not in base.get(name, {})
        }
        texts = {"about": row.about, "note": row.note, "compare": row.compare}
        rows.append({"name": row.name, **{k: v for k, v in texts.items() if v}, "changes": changes})
    file = {
        "format": FORMAT,
        "name": plan.name,
        "about": plan.about,
        "seeds": list(plan.seeds),
        "base": base,
        "variation": rows,
    }
    write_text(folder / "study.toml", tomli_w.dumps(file))
