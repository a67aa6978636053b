"""What the finished runs of a study say: scores with intervals, comparisons, and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.json_files import read_json
from isthmus.evaluation.baselines.pca_timeline import read_course
from isthmus.evaluation.evaluate import summarise
from isthmus.evaluation.measures.psnr import psnr_of_mean_mse
from isthmus.evaluation.statistics.sentences import ABOUT_MODELS
from isthmus.recipes.study_plan import Plan, Variation
from isthmus.run_files.arrays import read_scores
from isthmus.run_files.read import read_record
from isthmus.run_files.training import Failure
from isthmus.runs.comparisons import Contender, Effort, against_pca, as_findings, compare
from isthmus.runs.run_folder import is_evaluated

SCORES = ("psnr", "ssim", "mse")


def run_folder(folder: Path, variation: str, seed: int) -> Path:
    return folder / variation / f"seed-{seed}"


def findings(plan: Plan, folder: Path, *, command: str, remarks: Sequence[str] = ()) -> dict[str, Any]:
    """What the finished runs of a study say: scores with intervals, comparisons, and sentences.

    remarks: sentences about the whole study that belong beside them.
    """
    rows = {variation.name: _Row(variation, plan.seeds, folder) for variation in plan.variations}
    done = [row for row in rows.values() if row.done]
    contenders = {row.variation.name: row.contender() for row in done}
    compared = [
        compare(contenders[row.variation.name], contenders[against])
        for row in done
        for against in row.variation.compare
        if against in contenders
    ]
    sentences = [finding for row in rows.values() for finding in row.failures()]
    sentences += as_findings([*compared, *map(against_pca, contenders.values())])
    sentences += [
        _finding("note", row.variation.name, f"{row.variation.name}: {row.variation.note}")
        for row in rows.values()
        if row.variation.note
    ]
    sentences += [_finding("note", None, sentence=sentence) for sentence in remarks]
    sentences += _luck_not_covered(plan, done)
    covers = "test images and seeds" if len(plan.seeds) > 1 else f"test images; {ABOUT_MODELS}"
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
                columns.append(read_scores(home / "per_image.parquet"))
            elif (home / "failed.json").exists():
                status, error = "failed", read_record(home / "failed.json", Failure).error
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
                f"{self.variation.name}, seed {one['seed']}, failed: {one['error']}",
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
            "compare": list(row.compare),
            "runs": self.runs,
        }
        if not self.done:
            return known
        contender = self.contender()
        scores: dict[str, Any] = {name: summarise(name, self.scores(f"model_{name}")) for name in SCORES}
        first = self.evaluations[0]
        values = math.prod(first["data"]["image_shape"])
        scores["psnr_of_mean_mse"] = psnr_of_mean_mse(scores["mse"]["mean"], values)
        return {
            **known,
            "latent_size": first["latent_size"],
            "image_values": values,
            "scores": scores,
            "against_pca": {"psnr": contender.over_pca().as_dict(), "mse_ratio": contender.mse_over_pca()},
            "stayed_at_start": contender.stayed,
            "cost": _mean_cost([one["cost"] for one in self.evaluations]),
            "latent": _means([one.get("latent", {}) for one in self.evaluations]),
            "flags": sorted({flag for one in self.evaluations for flag in one["flags"]}),
            **self.doctor(),
        }

    def doctor(self) -> dict[str, Any]:
        """What the doctor found, each rule once, with the seeds it is about; nothing where no run was examined."""
        if not any("doctor" in one for one in self.evaluations):
            return {}
        found: dict[str, dict[str, Any]] = {}
        for one in self.evaluations:
            for diagnosis in one.get("doctor") or ():
                found.setdefault(diagnosis["rule"], {**diagnosis, "seeds": []})["seeds"].append(one["seed"])
        return {"doctor": list(found.values())}

    def contender(self) -> Contender:
        first = self.evaluations[0]
        return Contender(
            self.variation.name,
            self.scores("model_psnr"),
            self.scores("model_mse"),
            self.scores("pca_psnr")[:1],
            self.scores("pca_mse")[:1],
            first["scores"]["pca"]["components"],
            sum(one["checkpoint"].get("epoch") == 0 for one in self.evaluations),
            first["cost"]["multiply_adds"],
            Effort.of([one["cost"] for one in self.evaluations]),
            [read_course(one["against_pca"]) for one in self.evaluations],
        )


def _mean_cost(costs: list[dict[str, Any]]) -> dict[str, Any]:
    """Numbers averaged over the seeds that have them, as one of another version may not, and words joined."""
    means: dict[str, Any] = {}
    for key in costs[0]:
        values: list[Any] = [cost[key] for cost in costs if cost.get(key) is not None]
        if not values:
            continue
        if all(isinstance(one, int | float) for one in values):
            mean = float(np.mean([float(one) for one in values]))
            means[key] = int(mean) if mean.is_integer() else mean
        else:
            same = all(one == values[0] for one in values)
            means[key] = values[0] if same else ", ".join(dict.fromkeys(map(str, values)))
    return means


def _means(trees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Nested numbers averaged, key by key; what one seed lacks is left out."""
    found: dict[str, Any] = {}
    for key, value in trees[0].items():
        values: list[Any] = [tree.get(key) for tree in trees]
        if isinstance(value, dict) and all(isinstance(one, dict) for one in values):
            found[key] = _means(values)
        elif all(isinstance(one, int | float) for one in values):
            found[key] = float(np.mean(values))
    return found


def _luck_not_covered(plan: Plan, done: list[_Row]) -> list[dict[str, Any]]:
    """A note where an interval rests on one seed, be it planned so or because the others did not finish."""
    about = "is about these trained models and says nothing about the choice between them"
    if len(plan.seeds) == 1 and done:
        return [_finding("note", None, f"One seed: a verdict {about}; with two or more (seeds=3) it does.")]
    lacks = f"one of {len(plan.seeds)} seeds finished; a verdict on it {about}."
    alone = [row.variation.name for row in done if len(row.evaluations) == 1]
    return [_finding("note", name, f"{name}: {lacks}") for name in alone]


def _finding(kind: str, variation: str | None, sentence: str) -> dict[str, Any]:
    return {"kind": kind, "variation": variation, "against": None, "sentence": sentence}
