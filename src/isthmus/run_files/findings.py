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
    """Why it failed; null where it did not."""


class VariationRecord(Record):
    """One variation. Scores are means over its finished seeds; without one it has no keys from `latent_size` on."""

    name: str
    """Its name, which is its folder's too."""
    about: str | None = None
    """What it is, as the study file says."""
    note: str | None = None
    """A sentence that the study's author wants beside the numbers."""
    changes: dict[str, JsonValue] = Field(default_factory=dict)
    """Its changes to the base recipe, dotted option -> value."""
    compare: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    """The variations that it is compared with."""
    runs: tuple[StudyRun, ...] = ()
    """Its runs, one a seed."""
    latent_size: Size | None = None
    """How many numbers, or codes, the latent of one image holds."""
    image_values: Size | None = None
    """How many values an image has."""
    scores: Score | None = None
    """The model's scores."""
    against_pca: AgainstPca = AgainstPca()
    """The model beside PCA, without `validation`."""
    stayed_at_start: int = 0
    """How many of its seeds kept the weights from before their first step, at PCA."""
    cost: Cost = Cost()
    """What a run cost."""
    latent: LatentRecord = LatentRecord()
    """What the latent holds."""
    flags: tuple[str, ...] = ()
    """Sentences that a reader has to know before the scores."""
    doctor: tuple[Diagnosis, ...] | None = None
    """What the doctor found, each rule once."""

    @property
    def stayed_at_pca(self) -> bool:
        """Whether all its finished runs stayed at PCA, their start."""
        return 0 < sum(run.status == "done" for run in self.runs) == self.stayed_at_start


class Corrected(Record):
    """What is left of a verdict as one of several comparisons with the same base."""

    method: str = "Holm"
    """The correction."""
    comparisons: int = 0
    """Number of comparisons."""
    p: Number = math.nan
    """The corrected p-value."""
    verdict: Verdict | None = None
    """The corrected verdict."""


class Finding(Record):
    """One sentence that a study concludes, with the difference behind it."""

    kind: Literal["comparison", "pca", "failure", "note"]
    """`comparison`: two variations. `pca`: a variation and PCA. `failure`: a run that failed. `note`: all else."""
    variation: str | None = None
    """The variation that it is about; null where it is about the study."""
    against: str | None = None
    """What it is compared with; `pca` for PCA, null where nothing is compared."""
    about: Literal["models", "choice"] | None = None
    """`choice` where both sides have two or more seeds, else `models`: these very models, one seed of a side."""
    measure: str | None = None
    """The measure that was compared; not there where nothing was tested, as the four numbers below."""
    difference: Decibels = math.nan
    """Variation minus the other side."""
    low: Decibels = math.nan
    """Lower end of its 95 % interval."""
    high: Decibels = math.nan
    """Upper end of its 95 % interval."""
    p: Number = math.nan
    """Two-sided p-value: below 0.05 where the interval leaves 0 out, and never given as less than 1e-12."""
    verdict: Literal["better", "worse", "no measurable difference", "not tested"] | None = None
    """The verdict of this comparison alone."""
    corrected: Corrected | None = None
    """The verdict as one of several; only where two or more have the same `against`."""
    sentence: str
    """The finding, for people."""

    @property
    def final_verdict(self) -> str | None:
        """As one of many where it is one."""
        return self.corrected.verdict if self.corrected and self.corrected.verdict else self.verdict


class Findings(FileRecord):
    """findings.json."""

    study: str
    """Name of the study."""
    about: str | None = None
    """What it is, as the study file says."""
    seeds: tuple[Count, ...] = ()
    """Its seeds."""
    data: Data | None = None
    """The images of its first finished run; null where there is none."""
    intervals: str = ""
    """What the intervals cover."""
    measures: dict[str, MeasureRecord] = Field(default_factory=dict)
    """What each measure in the scores is."""
    variations: tuple[VariationRecord, ...]
    """Its variations."""
    findings: tuple[Finding, ...] = ()
    """What it concludes."""
    command: str = ""
    """The command as typed."""
