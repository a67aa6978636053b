"""One variation of a study: what its runs on all seeds say together, read from their folders."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import RunError
from isthmus.core.lease import held_by
from isthmus.evaluation.describe_measures import measures_in
from isthmus.evaluation.evaluate import summarise
from isthmus.evaluation.statistics.psnr_of_mse import psnr_of_mean_mse
from isthmus.recipes.variation import Variation
from isthmus.run_files.arrays import read_scores
from isthmus.run_files.data import Data
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import AgainstPca, EvaluationRecord
from isthmus.run_files.failed import Failure
from isthmus.run_files.findings import Finding, StudyRun, VariationRecord
from isthmus.run_files.latent import LatentRecord
from isthmus.run_files.read import read_record
from isthmus.run_files.scores import MeasureRecord, Score
from isthmus.run_files.write import as_json
from isthmus.runs.averages import mean_cost, means
from isthmus.runs.comparisons import Contender, Effort, TestImages
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


def seed_folders(folder: Path, variation: str, seeds: Iterable[int]) -> dict[int, Path]:
    """seed -> run folder of a study's variation."""
    return {seed: seed_folder(folder, variation, seed) for seed in seeds}


class StudyRow:
    """One variation's runs, read back from their folders.

    homes: seed -> run folder; records name them as seen from `folder`. ended: whether all runs were tried.
    tested_on: the test images of its first finished run. A run that was tested on others is not used, and failed.
    """

    def __init__(
        self,
        variation: Variation,
        homes: Mapping[int, Path],
        folder: Path,
        test_hashes: Mapping[str, str],
        *,
        ended: bool,
    ) -> None:
        self.variation = variation
        self.homes = homes
        self.tested_on: TestImages | None = None
        self.runs: list[StudyRun] = []
        self.evaluations: list[EvaluationRecord] = []
        self.columns: list[dict[str, np.ndarray]] = []
        for seed, home in homes.items():
            status, error = "missing", None
            if os.path.lexists(home / "failed.json"):  # first: an evaluation beside it is not of today's run
                status, error = "failed", _why_failed(home)
            elif is_evaluated(home):
                error = self._take(home, test_hashes)
                status = "done" if error is None else "failed"
            elif ended and held_by(home) is None:  # another process may be at work on it
                status, error = "failed", _why_without_result(home)
            place = Path(os.path.relpath(home, folder)).as_posix()
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

    def without_weights(self) -> list[str]:
        """A sentence for each run that was used although its weights are gone: only its scores are left."""
        homes = [(one.seed, self.homes[one.seed]) for one in self.runs if one.status == "done"]
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
            "scores": self.score(values, first.data.depth),
            "against_pca": AgainstPca(psnr=contender.over_pca().record(), mse_ratio=contender.mse_over_pca()),
            "stayed_at_start": contender.stayed,
            "cost": mean_cost([one.cost for one in self.evaluations]),
            "latent": LatentRecord.model_validate(means([as_json(one.latent) for one in self.evaluations])),
            "flags": tuple(sorted({flag for one in self.evaluations for flag in one.flags})),
        }
        if any(one.doctor is not None for one in self.evaluations):
            measured["doctor"] = self.doctor()
        return known.model_copy(update=measured)

    def score(self, values: int, depth: int) -> Score:
        """The model's score over all finished seeds; `values`: number of values of one image, of `depth` bits each."""
        measures = self.measures()
        found = {name: summarise(measure, self.scores(f"model_{name}")) for name, measure in measures.items()}
        return Score.model_validate(
            {**found, "psnr_of_mean_mse": psnr_of_mean_mse(found["mse"].mean, values, depth=depth)}
        )

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
            first.yardstick,
            sum(one.stayed_at_pca for one in self.evaluations),
            first.cost.multiply_adds,
            Effort.of([one.cost for one in self.evaluations]),
            [one.against_pca.validation for one in self.evaluations if not one.stayed_at_pca],
        )


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
