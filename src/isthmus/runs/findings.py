"""What the finished runs of a study say: scores with intervals, comparisons, and sentences."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import InputError, RunError
from isthmus.evaluation.describe_measures import in_order, measures_in
from isthmus.evaluation.evaluate import summarise
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.evaluation.statistics.sentences import ABOUT_MODELS
from isthmus.recipes.study_plan import Plan, Variation
from isthmus.run_files.arrays import read_scores
from isthmus.run_files.data import Data
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.environment import Environment
from isthmus.run_files.evaluation import AgainstPca, Cost, EvaluationRecord
from isthmus.run_files.failed import Failure
from isthmus.run_files.findings import Finding, Findings, StudyRun, VariationRecord
from isthmus.run_files.latent import LatentRecord
from isthmus.run_files.read import read_record
from isthmus.run_files.scores import MeasureRecord, Score
from isthmus.run_files.write import as_json
from isthmus.runs.claim import check
from isthmus.runs.comparisons import Contender, Effort, TestImages, against_pca, as_findings, compare
from isthmus.runs.run_folder import is_begun, is_evaluated, is_trained

_OTHER_IMAGES = "not comparable: it was tested on other images than seed {seed}; train all seeds with another --out"
_FIRST_UNKNOWN = (
    "not comparable: it is not recorded on which images seed {seed} was tested; `isthmus evaluate` on that run records "
    "it, or train all seeds with another --out"
)
_UNKNOWN_IMAGES = (
    "not comparable: it is not recorded on which images it was tested; `isthmus evaluate {folder}` records it, "
    "or train all seeds with another --out"
)


def seed_folder(folder: Path, variation: str, seed: int) -> Path:
    return folder / variation / f"seed-{seed}"


def findings(
    plan: Plan,
    folder: Path,
    *,
    command: str,
    remarks: Sequence[str] = (),
    test_hashes: Mapping[str, str] | None = None,
    ended: bool = False,
) -> Findings:
    """What the finished runs of a study say: scores with intervals, comparisons, and sentences.

    remarks: sentences about the whole study that belong beside them.
    test_hashes: data hash -> hash of the test images in it, for runs of older versions, which did not write the latter.
    ended: whether every run was tried, so that one without a result has failed; until then it is only missing.
    """
    rows = {row.name: _Row(row, plan.seeds, folder, test_hashes or {}, ended=ended) for row in plan.variations}
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
    sentences += [_note(row.variation.name, sentence) for row in done for sentence in row.without_weights(folder)]
    return Findings(
        study=plan.name,
        about=plan.about,
        seeds=plan.seeds,
        data=done[0].evaluations[0].data if done else None,
        intervals=f"95 % over {_covered(done)}" if done else "",
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
        self,
        variation: Variation,
        seeds: tuple[int, ...],
        folder: Path,
        test_hashes: Mapping[str, str],
        *,
        ended: bool,
    ) -> None:
        self.variation = variation
        self.tested_on: TestImages | None = None
        self.runs: list[StudyRun] = []
        self.evaluations: list[EvaluationRecord] = []
        self.columns: list[dict[str, np.ndarray]] = []
        for seed in seeds:
            home = seed_folder(folder, variation.name, seed)
            status, error = "missing", None
            if os.path.lexists(home / "failed.json"):  # first: an evaluation beside it is not of today's run
                status, error = "failed", _why_failed(home)
            elif is_evaluated(home):
                error = self._take(home, test_hashes)
                status = "done" if error is None else "failed"
            elif ended:
                status, error = "failed", _why_without_result(home)
            place = home.relative_to(folder).as_posix()
            self.runs.append(StudyRun(seed=seed, folder=place, status=status, error=error))
        self.done = bool(self.evaluations)

    def _take(self, home: Path, test_hashes: Mapping[str, str]) -> str | None:
        """Add a finished run's scores to those of the other seeds, or say why they cannot be pooled."""
        evaluation = read_record(home / "evaluation.json", EvaluationRecord)
        tested_on = _test_images(evaluation.data, test_hashes)
        if self.tested_on is not None and not self.tested_on.known_same(tested_on):
            if not tested_on.hash:
                return _UNKNOWN_IMAGES.format(folder=home)
            first = self.evaluations[0].seed
            return _OTHER_IMAGES.format(seed=first) if self.tested_on.hash else _FIRST_UNKNOWN.format(seed=first)
        self.tested_on = self.tested_on or tested_on
        self.evaluations.append(evaluation)
        self.columns.append(read_scores(home / "per_image.parquet"))
        return None

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

    def without_weights(self, folder: Path) -> list[str]:
        """A sentence for each run that was used although its weights are gone: only its scores are left."""
        homes = [(one.seed, folder / one.folder) for one in self.runs if one.status == "done"]
        return [
            f"{self.variation.name}, seed {seed}: its scores are used, but {home / 'checkpoints'} is missing; "
            f"remove the folder {home}, and the study trains that run again."
            for seed, home in homes
            if not is_begun(home)
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
            [one.against_pca.validation for one in self.evaluations if not one.stayed_at_pca],
        )


def _covered(done: list[_Row]) -> str:
    """What the intervals are over: seeds only where more than one finished."""
    alone = [row.variation.name for row in done if len(row.evaluations) == 1]
    if len(alone) == len(done):
        return f"test images; {ABOUT_MODELS}"
    return "test images and seeds" + (f"; of {', '.join(alone)} over test images alone" if alone else "")


def _why_failed(home: Path) -> str:
    """What failed.json says. No damage to it may stop a study, which tries the run again."""
    try:
        return read_record(home / "failed.json", Failure, "remove it, and run the study again").error
    except RunError as error:
        return str(error)


def _why_without_result(home: Path) -> str:
    """Why a run that was tried has no evaluation that could be used."""
    if not is_trained(home):
        return f"{home}: its training has not ended; run the study again"
    try:
        read_record(home / "evaluation.json", EvaluationRecord)
        read_scores(home / "per_image.parquet")
    except FileNotFoundError as error:
        return f"{error.filename}: is missing; `isthmus evaluate {home}` writes it again"
    except RunError as error:
        return str(error)
    return f"{home / 'evaluation.json'}: is not whole; `isthmus evaluate {home}` writes it again"


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
        finished = {*plan.seeds, *_others(done, folder)}
        # without spaces, which would end the option in a shell
        seeds = ",".join(map(str, sorted(finished)))
        more = f"seeds=[{seeds}], whose runs the folder holds" if len(finished) > 1 else "seeds=3"
        return [_note(None, f"One seed: a verdict {about}; with two or more ({more}) it does.")]
    lacks = f"one of {len(plan.seeds)} seeds finished; a verdict on it {about}."
    alone = [row.variation.name for row in done if len(row.evaluations) == 1]
    return [_note(name, f"{name}: {lacks}") for name in alone]


def _others(done: list[_Row], folder: Path) -> set[int]:
    """Other seeds that finished runs in the folder have, and that the study can go on with."""
    found: dict[int, list[tuple[_Row, Path]]] = {}
    for row in done:
        for home in (folder / row.variation.name).glob("seed-*"):
            if (number := home.name.removeprefix("seed-")).isdecimal():
                found.setdefault(int(number), []).append((row, home))
    return {
        seed
        for seed, runs in found.items()
        if any(is_evaluated(home) for _, home in runs) and all(_fits(row, seed, home) for row, home in runs)
    }


def _fits(row: _Row, seed: int, home: Path) -> bool:
    """Whether a run is of the same recipe, and on the same images, as the finished ones of the variation."""
    environment, images = home / "environment.json", row.evaluations[0].data.hash
    try:
        check(home, row.variation.recipe(seed))
        return not environment.exists() or read_record(environment, Environment).data.hash == images
    except (InputError, RunError, OSError):
        return False


def _note(variation: str | None, sentence: str) -> Finding:
    return Finding(kind="note", variation=variation, against=None, sentence=sentence)
