"""What the finished runs of a study say: scores with intervals, comparisons, and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.evaluation.describe_measures import in_order, measures_in
from isthmus.evaluation.evaluate import summarise
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.evaluation.statistics.sentences import ABOUT_MODELS
from isthmus.recipes.study_plan import Plan, Variation
from isthmus.run_files.arrays import read_scores
from isthmus.run_files.data import Data
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import AgainstPca, Cost, EvaluationRecord
from isthmus.run_files.failed import Failure
from isthmus.run_files.findings import Finding, Findings, StudyRun, VariationRecord
from isthmus.run_files.latent import LatentRecord
from isthmus.run_files.read import read_record
from isthmus.run_files.scores import MeasureRecord, Score
from isthmus.run_files.write import as_json
from isthmus.runs.comparisons import Contender, Effort, TestImages, against_pca, as_findings, compare
from isthmus.runs.run_folder import is_evaluated

_OTHER_IMAGES = "not comparable: it was tested on other images than seed {seed}; train all seeds with another --out"


def seed_folder(folder: Path, variation: str, seed: int) -> Path:
    return folder / variation / f"seed-{seed}"


def findings(
    plan: Plan,
    folder: Path,
    *,
    command: str,
    remarks: Sequence[str] = (),
    test_hashes: Mapping[str, str] | None = None,
) -> Findings:
    """What the finished runs of a study say: scores with intervals, comparisons, and sentences.

    remarks: sentences about the whole study that belong beside them.
    test_hashes: data hash -> hash of the test images in it, for runs of older versions, which did not write the latter.
    """
    rows = {variation.name: _Row(variation, plan.seeds, folder, test_hashes or {}) for variation in plan.variations}
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
        _note(row.variation.name, f"{row.variation.name}: {row.variation.note}")
        for row in rows.values()
        if row.variation.note
    ]
    sentences += [_note(None, sentence) for sentence in remarks]
    sentences += _luck_not_covered(plan, folder, done)
    covers = "test images and seeds" if len(plan.seeds) > 1 else f"test images; {ABOUT_MODELS}"
    return Findings(
        study=plan.name,
        about=plan.about,
        seeds=plan.seeds,
        data=done[0].evaluations[0].data if done else None,
        intervals=f"95 % over {covers}",
        measures=in_order({name: measure for row in done for name, measure in row.measures().items()}),
        variations=tuple(row.record() for row in rows.values()),
        findings=tuple(sentences),
        command=command,
    )


class _Row:
    """One variation's runs, read back from their folders.

    tested_on: the test images of its first finished run. A run that was tested on others is not used, and failed.
    """

    def __init__(
        self, variation: Variation, seeds: tuple[int, ...], folder: Path, test_hashes: Mapping[str, str]
    ) -> None:
        self.variation = variation
        self.tested_on: TestImages | None = None
        self.runs: list[StudyRun] = []
        self.evaluations: list[EvaluationRecord] = []
        columns: list[dict[str, np.ndarray]] = []
        for seed in seeds:
            home = seed_folder(folder, variation.name, seed)
            status, error = "missing", None
            if (home / "failed.json").exists():  # first: an evaluation that lies beside it is not of today's run
                status, error = "failed", read_record(home / "failed.json", Failure).error
            elif is_evaluated(home):
                evaluation = read_record(home / "evaluation.json", EvaluationRecord)
                tested_on = _test_images(evaluation.data, test_hashes)
                if self.tested_on in (None, tested_on):
                    status, self.tested_on = "done", tested_on
                    self.evaluations.append(evaluation)
                    columns.append(read_scores(home / "per_image.parquet"))
                else:
                    status, error = "failed", _OTHER_IMAGES.format(seed=self.evaluations[0].seed)
            place = home.relative_to(folder).as_posix()
            self.runs.append(StudyRun(seed=seed, folder=place, status=status, error=error))
        self.done = bool(self.evaluations)
        self.columns = columns

    def scores(self, column: str) -> np.ndarray:
        """(S, N): one row per finished seed, one column per test image."""
        return np.stack([table[column] for table in self.columns])

    def failures(self) -> list[Finding]:
        name = self.variation.name
        return [
            Finding(
                kind="failure", variation=name, against=None, sentence=f"{name}, seed {one.seed}, failed: {one.error}"
            )
            for one in self.runs
            if one.status == "failed"
        ]

    def measures(self) -> dict[str, MeasureRecord]:
        """The measures that every finished seed has, as described in the evaluations."""
        columns = set[str].intersection(*(set(table) for table in self.columns))
        names = [name.removeprefix("model_") for name in columns if name.startswith("model_")]
        return measures_in(names, {name: m for one in self.evaluations for name, m in one.measures.items()})

    def record(self) -> VariationRecord:
        row = self.variation
        known = VariationRecord(
            name=row.name,
            about=row.about,
            note=row.note,
            changes=dict(row.changes),
            compare=tuple(row.compare),
            runs=tuple(self.runs),
        )
        if not self.done:
            return known
        contender, first = self.contender(), self.evaluations[0]
        shape = first.data.image_shape
        assert shape is not None  # `is_evaluated` guarantees it
        values = math.prod(shape)
        measured: dict[str, Any] = {
            "latent_size": first.latent_size,
            "image_values": values,
            "scores": self.score(values),
            "against_pca": AgainstPca(psnr=contender.over_pca().record(), mse_ratio=contender.mse_over_pca()),
            "stayed_at_start": contender.stayed,
            "cost": _mean_cost([one.cost for one in self.evaluations]),
            "latent": LatentRecord.model_validate(_means([as_json(one.latent) for one in self.evaluations])),
            "flags": tuple(sorted({flag for one in self.evaluations for flag in one.flags})),
        }
        if any(one.doctor is not None for one in self.evaluations):
            measured["doctor"] = self.doctor()
        return known.model_copy(update=measured)

    def score(self, values: int) -> Score:
        """The model's score over all finished seeds; `values`: number of values of one image."""
        measures = self.measures()
        found = {name: summarise(measure, self.scores(f"model_{name}")) for name, measure in measures.items()}
        return Score.model_validate({**found, "psnr_of_mean_mse": psnr_of_mean_mse(found["mse"].mean, values)})

    def doctor(self) -> tuple[Diagnosis, ...]:
        """The doctor's diagnoses, each rule once, with the seeds it applies to."""
        found: dict[str, list[tuple[Diagnosis, int]]] = {}
        for one in self.evaluations:
            for diagnosis in one.doctor or ():
                found.setdefault(diagnosis.rule, []).append((diagnosis, one.seed))
        return tuple(
            told[0][0].model_copy(update={"seeds": tuple(seed for _, seed in told)}) for told in found.values()
        )

    def contender(self) -> Contender:
        first = self.evaluations[0]
        assert self.tested_on is not None
        return Contender(
            self.variation.name,
            self.tested_on,
            self.scores("model_psnr"),
            self.scores("model_mse"),
            self.scores("pca_psnr")[:1],
            self.scores("pca_mse")[:1],
            first.scores["pca"].components or 0,
            sum(one.stayed_at_pca for one in self.evaluations),
            first.cost.multiply_adds,
            Effort.of([one.cost for one in self.evaluations]),
            [one.against_pca.validation for one in self.evaluations],
        )


def _test_images(data: Data, test_hashes: Mapping[str, str]) -> TestImages:
    """The images of a run's test; where its test hash is nowhere to be found, its data hash stands for it."""
    return TestImages(data.test_hash or test_hashes.get(data.hash, data.hash), data.test_images or 0)


def _mean_cost(each: Sequence[Cost]) -> Cost:
    """Numbers are averaged over the seeds that have them (other versions may lack some); words are joined."""
    costs, means = [as_json(cost) for cost in each], dict[str, Any]()
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
    return Cost(**means)


def _means(trees: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Average nested numbers key by key; a key that one seed lacks is left out."""
    found: dict[str, Any] = {}
    for key, value in trees[0].items():
        values: list[Any] = [tree.get(key) for tree in trees]
        if isinstance(value, dict) and all(isinstance(one, dict) for one in values):
            found[key] = _means(values)
        elif all(isinstance(one, int | float) for one in values):
            found[key] = float(np.mean(values))
    return found


def _luck_not_covered(plan: Plan, folder: Path, done: list[_Row]) -> list[Finding]:
    """A note where an interval rests on one seed, be it planned so or because the others did not finish."""
    about = "is about these trained models and says nothing about the choice between them"
    if len(plan.seeds) == 1 and done:
        finished = {seed for row in done for seed in _finished(row.variation.name, folder)}
        more = f"seeds={sorted(finished)}, whose runs the folder holds" if len(finished) > 1 else "seeds=3"
        return [_note(None, f"One seed: a verdict {about}; with two or more ({more}) it does.")]
    lacks = f"one of {len(plan.seeds)} seeds finished; a verdict on it {about}."
    alone = [row.variation.name for row in done if len(row.evaluations) == 1]
    return [_note(name, f"{name}: {lacks}") for name in alone]


def _finished(variation: str, folder: Path) -> list[int]:
    """The seeds of a variation's finished runs, also those that the plan does not have."""
    homes = [home for home in (folder / variation).glob("seed-*") if home.name[5:].isdecimal()]
    return [int(home.name[5:]) for home in homes if is_evaluated(home)]


def _note(variation: str | None, sentence: str) -> Finding:
    return Finding(kind="note", variation=variation, against=None, sentence=sentence)
