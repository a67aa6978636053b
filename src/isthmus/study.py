"""Studies: variations x seeds, each run once, and what they say when held against each other."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import tomli_w

from isthmus.errors import InputError, RunError
from isthmus.evaluate import summarise
from isthmus.files import read_json, write_json, write_text
from isthmus.measures.psnr import psnr_of_mean_mse
from isthmus.model import Autoencoder, build_objective
from isthmus.plan import Plan, Variation
from isthmus.recipe import FORMAT, PART_TABLES, Raw, Recipe
from isthmus.runs import Event, check, is_evaluated, load_data, locked, run
from isthmus.splits import Splits, content_hashes, data_hash
from isthmus.statistics import Interval, comparison_sentence, mean_interval, paired_difference, verdict
from isthmus.training.machine import choose_device

SCORES = ("psnr", "ssim", "mse")


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
    folder.mkdir(parents=True, exist_ok=True)
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


def run_folder(folder: Path, variation: str, seed: int) -> Path:
    return folder / variation / f"seed-{seed}"


def findings(plan: Plan, folder: Path, *, command: str) -> dict[str, Any]:
    """What the finished runs of a study say: scores with intervals, comparisons, and sentences."""
    rows = {variation.name: _Row(variation, plan.seeds, folder) for variation in plan.variations}
    done = [row for row in rows.values() if row.done]
    sentences = [finding for row in rows.values() for finding in row.failures()]
    for row in done:
        against = rows[row.variation.compare] if row.variation.compare else None
        if against is not None and against.done:
            sentences.append(_compare(row, against))
    sentences += [_against_pca(row) for row in done]
    sentences += [
        _finding("note", row.variation.name, sentence=f"{row.variation.name}: {row.variation.note}")
        for row in rows.values()
        if row.variation.note
    ]
    sentences += _luck_not_covered(plan, done)
    covers = "test images and seeds" if len(plan.seeds) > 1 else "test images; one seed"
    return {
        "format": 1,
        "study": plan.name,
        "about": plan.about,
        "seeds": list(plan.seeds),
        "data": done[0].evaluations[0]["data"] if done else None,
        "intervals": f"95 % over {covers}",
        "variations": [row.summary() for row in rows.values()],
        "findings": sentences,
        "command": command,
    }


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


class _Row:
    """One variation's runs, read back from their folders."""

    def __init__(self, variation: Variation, seeds: tuple[int, ...], folder: Path) -> None:
        self.variation = variation
        self.runs: list[dict[str, Any]] = []
        self.evaluations: list[dict[str, Any]] = []
        columns: list[dict[str, np.ndarray]] = []
        for seed in seeds:
            home = run_folder(folder, variation.name, seed)
            status, error = "missing", None
            if is_evaluated(home):
                status = "done"
                self.evaluations.append(read_json(home / "evaluation.json"))
                table = pq.read_table(home / "per_image.parquet")
                columns.append({name: table[name].to_numpy() for name in table.column_names})
            elif (home / "failed.json").exists():
                status, error = "failed", read_json(home / "failed.json")["error"]
            self.runs.append(
                {
                    "seed": seed,
                    "folder": home.relative_to(folder).as_posix(),
                    "status": status,
                    "error": error,
                }
            )
        self.done = bool(self.evaluations)
        self.columns = columns

    def scores(self, column: str) -> np.ndarray:
        """One row a finished seed, one column a test image."""
        return np.stack([table[column] for table in self.columns])

    def failures(self) -> list[dict[str, Any]]:
        return [
            _finding(
                "failure",
                self.variation.name,
                sentence=f"{self.variation.name}, seed {one['seed']}, failed: {one['error']}",
            )
            for one in self.runs
            if one["status"] == "failed"
        ]

    def summary(self) -> dict[str, Any]:
        row = self.variation
        known = {
            "name": row.name,
            "about": row.about,
            "note": row.note,
            "changes": dict(row.changes),
            "compare": row.compare,
            "runs": self.runs,
        }
        if not self.done:
            return known
        scores: dict[str, Any] = {name: summarise(self.scores(f"model_{name}")) for name in SCORES}
        first = self.evaluations[0]
        values = math.prod(first["data"]["image_shape"])
        scores["psnr_of_mean_mse"] = psnr_of_mean_mse(scores["mse"]["mean"], values)
        return {
            **known,
            "latent_size": first["latent_size"],
            "image_values": values,
            "scores": scores,
            "against_pca": {"psnr": self.over_pca().as_dict()},
            "cost": _mean_cost([one["cost"] for one in self.evaluations]),
            "flags": sorted({flag for one in self.evaluations for flag in one["flags"]}),
        }

    def over_pca(self) -> Interval:
        # PCA has no training luck, so all of the spread over seeds is the model's
        return mean_interval(self.scores("model_psnr") - self.scores("pca_psnr")[:1])


def _mean_cost(costs: list[dict[str, Any]]) -> dict[str, Any]:
    means: dict[str, Any] = {}
    for key, value in costs[0].items():
        values = [cost[key] for cost in costs]
        if isinstance(value, int | float):
            mean = float(np.mean(values))
            means[key] = int(mean) if mean.is_integer() else mean
        else:
            means[key] = value if len(set(values)) == 1 else ", ".join(dict.fromkeys(map(str, values)))
    return means


def _compare(row: _Row, against: _Row) -> dict[str, Any]:
    difference = paired_difference(row.scores("model_psnr"), against.scores("model_psnr"))
    arithmetic = [one.evaluations[0]["cost"]["multiply_adds"] for one in (row, against)]
    names = row.variation.name, against.variation.name
    sentence = comparison_sentence(*names, difference, cost_ratio=arithmetic[0] / max(arithmetic[1], 1))
    return _finding("comparison", *names, difference=difference, sentence=sentence)


def _against_pca(row: _Row) -> dict[str, Any]:
    difference = row.over_pca()
    size = row.evaluations[0]["scores"]["pca"]["components"]
    sentence = comparison_sentence(row.variation.name, f"PCA with {size} components", difference)
    return _finding("pca", row.variation.name, "pca", difference=difference, sentence=sentence)


def _luck_not_covered(plan: Plan, done: list[_Row]) -> list[dict[str, Any]]:
    """A note where an interval rests on one seed, be it planned so or because the others did not finish."""
    if len(plan.seeds) == 1 and done:
        return [_finding("note", None, sentence="One seed: the intervals do not cover training luck.")]
    lacks = f"one of {len(plan.seeds)} seeds finished; its intervals do not cover training luck."
    alone = [row.variation.name for row in done if len(row.evaluations) == 1]
    return [_finding("note", name, sentence=f"{name}: {lacks}") for name in alone]


def _finding(
    kind: str,
    variation: str | None,
    against: str | None = None,
    *,
    sentence: str,
    difference: Interval | None = None,
) -> dict[str, Any]:
    numbers: Mapping[str, Any] = {}
    if difference is not None:
        numbers = {
            "measure": "psnr",
            "difference": difference.mean,
            "low": difference.low,
            "high": difference.high,
            "verdict": verdict(difference),
        }
    return {"kind": kind, "variation": variation, "against": against, **numbers, "sentence": sentence}
