"""The JSON files of a run folder, as the pages read them (docs/run-folder.md is the contract).

Keys that the pages do not show are ignored, and a missing number is nan, so that a page can always say
"not measured" where it has nothing to say.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue

from isthmus.baselines.crossing import Course
from isthmus.report.latent_schema import Latent
from isthmus.report.record import Number, Record


def _null_is_empty(value: object) -> object:
    return {} if value is None else value


class Interval(Record):
    """A mean and its 95 % interval."""

    mean: Number = math.nan
    low: Number = math.nan
    high: Number = math.nan


class Score(Record):
    """Means over test images: `mse` per pixel value in [0,1], `psnr` in dB, `ssim` up to 1."""

    mse: Interval = Interval()
    psnr: Interval = Interval()
    ssim: Interval = Interval()
    psnr_of_mean_mse: Number = math.nan
    components: int | None = None


class AgainstPca(Record):
    """PCA at the same latent size: the paired difference model minus PCA in dB, the model's MSE over PCA's on test
    images, and how the two stood on validation images in training."""

    psnr: Interval = Interval()
    mse_ratio: float | None = None
    validation: Annotated[Course, BeforeValidator(_null_is_empty)] = Course()


class Data(Record):
    """Which images: where they came from, how many, and the hash that names them."""

    kind: str = ""
    source: str = ""
    train_images: int | None = None
    validation_images: int | None = None
    test_images: int | None = None
    hash: str = ""
    class_names: tuple[str, ...] = ()


class Cost(Record):
    """What a run cost; in a study, means over seeds. `multiply_adds` is for one image."""

    parameters: Number = math.nan
    trainable: Number = math.nan
    multiply_adds: Number = math.nan
    train_seconds: Number = math.nan
    images_per_second: Number = math.nan
    epochs: Number = math.nan
    best_epoch: Number = math.nan
    steps: Number = math.nan
    sentence: str = ""
    device: str = ""
    precision: str = ""


class PcaPoint(Record):
    """One point of the PCA curve: mean over test images of the PSNR in dB."""

    components: int
    psnr: Number = math.nan


class Checkpoint(Record):
    """Which weights were scored."""

    which: str = ""
    step: int | None = None
    epoch: int | None = None


class Samples(Record):
    """New images from the model: which sampler drew their latents."""

    sampler: str = ""
    count: int = 0


class Diagnosis(Record):
    """One sentence of the doctor, its remedy, and in a study the seeds that it is about."""

    rule: str = ""
    severity: Literal["error", "warning", "note"] = "note"
    sentence: str
    remedy: str = ""
    seeds: tuple[int, ...] = ()


class Evaluation(Record):
    """evaluation.json of a run; `doctor` is None where an older version wrote it, which had none."""

    isthmus: str = ""
    name: str
    seed: int
    data: Data = Data()
    checkpoint: Checkpoint = Checkpoint()
    latent_size: int
    scores: dict[str, Score]
    noise: str | None = None
    against_pca: AgainstPca = AgainstPca()
    latent: Latent = Latent()
    samples: Samples = Samples()
    pca_curve: tuple[PcaPoint, ...] = ()
    cost: Cost = Cost()
    flags: tuple[str, ...] = ()
    doctor: tuple[Diagnosis, ...] | None = None
    shown: tuple[int, ...] = ()
    best: tuple[int, ...] = ()
    worst: tuple[int, ...] = ()

    @property
    def pca_components(self) -> int:
        """As many as the latent has numbers, or fewer where there were too few training images for that."""
        return self.scores.get("pca", Score()).components or self.latent_size


class Epoch(Record):
    """An epoch's line of metrics.jsonl; `validation_psnr` is the PSNR of the mean MSE, in dB."""

    epoch: int
    step: int
    seconds: float
    validation_psnr: Number = math.nan


class StudyRun(Record):
    """One seed of a variation; `folder` is relative to the study's."""

    seed: int
    folder: str
    status: Literal["done", "failed", "missing"]
    error: str | None = None


class Variation(Record):
    """One variation of a study, scores averaged over its finished seeds."""

    name: str
    about: str | None = None
    note: str | None = None
    changes: dict[str, JsonValue] = Field(default_factory=dict)
    latent_size: int | None = None
    image_values: int | None = None
    scores: Score | None = None
    against_pca: AgainstPca = AgainstPca()
    cost: Cost = Cost()
    latent: Latent = Latent()
    flags: tuple[str, ...] = ()
    doctor: tuple[Diagnosis, ...] | None = None
    runs: tuple[StudyRun, ...] = ()


class Finding(Record):
    """One sentence a study concludes, with the difference behind it."""

    kind: Literal["comparison", "pca", "failure", "note"]
    variation: str | None = None
    measure: str | None = None
    difference: Number = math.nan
    low: Number = math.nan
    high: Number = math.nan
    verdict: Literal["better", "worse", "no measurable difference"] | None = None
    sentence: str


class Findings(Record):
    """findings.json of a study."""

    study: str
    about: str | None = None
    seeds: tuple[int, ...] = ()
    data: Annotated[Data, BeforeValidator(_null_is_empty)] = Data()
    intervals: str = ""
    variations: tuple[Variation, ...]
    findings: tuple[Finding, ...] = ()
    command: str = ""
