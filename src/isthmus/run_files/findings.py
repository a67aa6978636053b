"""findings.json of a study: what its finished runs say."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue

from isthmus.run_files.data import Data
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import AgainstPca, Cost
from isthmus.run_files.latent import LatentRecord
from isthmus.run_files.record import Count, Decibels, FileRecord, Number, Record, Size
from isthmus.run_files.scores import MeasureRecord, Score

ONE_SEED = "One seed: "
"""How a study's note begins that all its verdicts rest on one seed."""
Verdict = Literal["better", "worse", "no measurable difference"]


def _as_list(value: object) -> object:
    """Older versions compared with at most one variation and wrote its name or null."""
    return () if value is None else (value,) if isinstance(value, str) else value


class StudyRun(Record):
    """One seed of a variation."""

    seed: Count
    """The seed."""
    folder: str
    """Its run folder, relative to the study's."""
    status: Literal["done", "failed", "missing"]
    """How far it came."""
    error: str | None = None
    """Why it failed; null if it did not."""


class VariationRecord(Record):
    """One variation. Scores are means over its finished seeds; without one, keys from `latent_size` on are missing."""

    name: str
    """Its name, and that of its folder."""
    about: str | None = None
    """Its description in the study file."""
    note: str | None = None
    """A sentence from the study's author to show with the numbers."""
    changes: dict[str, JsonValue] = Field(default_factory=dict)
    """Its changes to the base recipe, dotted option -> value."""
    compare: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """The variations that it is compared with."""
    runs: tuple[StudyRun, ...] = ()
    """Its runs, one per seed."""
    latent_size: Size | None = None
    """Numbers, or codes, in the latent of one image."""
    image_values: Size | None = None
    """Values in one image."""
    scores: Score | None = None
    """The model's scores."""
    against_pca: AgainstPca = AgainstPca()
    """The model compared with PCA, without `validation`."""
    stayed_at_start: int = 0
    """Number of its seeds that kept the weights from before the first step, which equal PCA."""
    cost: Cost = Cost()
    """What a run cost."""
    latent: LatentRecord = LatentRecord()
    """Measures of the latent."""
    flags: tuple[str, ...] = ()
    """Sentences to read before the scores."""
    doctor: tuple[Diagnosis, ...] | None = None
    """What the doctor found, each rule once."""

    @property
    def stayed_at_pca(self) -> bool:
        """Whether all its finished runs stayed at PCA, their start."""
        return 0 < sum(run.status == "done" for run in self.runs) == self.stayed_at_start


class Corrected(Record):
    """A verdict corrected for several comparisons with the same base."""

    method: str = "Holm"
    """The correction."""
    comparisons: int = 0
    """Number of comparisons."""
    p: Number = math.nan
    """The corrected p-value."""
    verdict: Verdict | None = None
    """The corrected verdict."""


class Finding(Record):
    """A conclusion of a study, with the difference that supports it."""

    kind: Literal["comparison", "pca", "failure", "note"]
    """`comparison`: two variations. `pca`: a variation and PCA. `failure`: a run that failed. `note`: anything else."""
    variation: str | None = None
    """The variation that it is about; null if it is about the whole study."""
    against: str | None = None
    """What it is compared with; `pca` for PCA, null if nothing is compared."""
    about: Literal["models", "choice"] | None = None
    """`choice` if both sides have two or more seeds; else `models`: it is only about these trained models."""
    measure: str | None = None
    """The measure that was compared. This key and the next four are missing if nothing was tested."""
    difference: Decibels = math.nan
    """Variation minus the other side."""
    low: Decibels = math.nan
    """Lower end of its 95 % interval."""
    high: Decibels = math.nan
    """Upper end of its 95 % interval."""
    p: Number = math.nan
    """Two-sided p-value: below 0.05 if the interval excludes 0; smaller values than 1e-12 are given as 1e-12."""
    verdict: Literal["better", "worse", "no measurable difference", "not tested"] | None = None
    """The verdict of this comparison alone."""
    corrected: Corrected | None = None
    """The verdict corrected for several comparisons; only if two or more have the same `against`."""
    sentence: str
    """The finding as a sentence."""

    @property
    def final_verdict(self) -> str | None:
        """The corrected verdict if there is one, else the verdict of this comparison alone."""
        return self.corrected.verdict if self.corrected and self.corrected.verdict else self.verdict


def note(variation: str | None, sentence: str) -> Finding:
    """A remark, about one variation or about the whole study."""
    return Finding(kind="note", variation=variation, against=None, sentence=sentence)


class Findings(FileRecord):
    """findings.json."""

    study: str
    """Name of the study."""
    about: str | None = None
    """Its description in the study file."""
    seeds: tuple[Count, ...] = ()
    """Its seeds."""
    data: Data | None = None
    """The images of its first finished run; null if there is none."""
    intervals: str = ""
    """What the intervals cover; empty where no run has finished."""
    measures: dict[str, MeasureRecord] = Field(default_factory=dict)
    """Descriptions of the measures in the scores."""
    variations: tuple[VariationRecord, ...]
    """Its variations."""
    findings: tuple[Finding, ...] = ()
    """Its conclusions."""
    command: str = ""
    """The command as typed."""
