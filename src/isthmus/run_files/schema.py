"""evaluation.json, findings.json and metrics.jsonl (docs/run-folder.md is the contract).

Keys that nobody reads are passed over, and a missing number is nan, so that a page can always say "not measured"
where it has nothing to say.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, JsonValue

from isthmus.core.image_changes import Change
from isthmus.run_files.latent import LatentRecord
from isthmus.run_files.record import Count, Finite, Number, Real, Record, Size

_Side = Annotated[Size, Field(le=1 << 14)]  # one picture of that side in float32 takes 3 GB
# what images have: channels, height, width
Shape = tuple[_Side, _Side, _Side]


def _null_is_empty(value: object) -> object:
    return {} if value is None else value


class IntervalRecord(Record):
    """A mean and its 95 % interval; `undefined` says why there is none."""

    mean: Number = math.nan
    low: Number = math.nan
    high: Number = math.nan
    undefined: str | None = None


class Score(Record):
    """Means over test images: `mse` per pixel value in [0,1], `psnr` in dB, `ssim` up to 1."""

    mse: IntervalRecord = IntervalRecord()
    psnr: IntervalRecord = IntervalRecord()
    ssim: IntervalRecord = IntervalRecord()
    psnr_of_mean_mse: Number = math.nan
    components: Count | None = None


class Moment(Record):
    """The end of an epoch; epoch 0 is the start. `seconds` of training, over all sittings."""

    epoch: Count
    step: Count
    seconds: Finite


class Course(Record):
    """A run's error on validation images beside PCA's of the same latent size, both on 8-bit output.

    pca_mse: PCA's, per pixel value in [0, 1].
    epochs: how many were trained. lowest_ratio: the run's lowest error over PCA's. Both None where that is not known.
    since: from when on, up to the weights that were kept, it was below PCA's; None where these are not below.
    """

    pca_mse: Real | None = None
    epochs: Count | None = None
    lowest_ratio: Real | None = None
    since: Moment | None = None


class AgainstPca(Record):
    """PCA at the same latent size: the paired difference model minus PCA in dB, the model's MSE over PCA's on test
    images, and how the two stood on validation images in training."""

    psnr: IntervalRecord = IntervalRecord()
    mse_ratio: Real | None = None
    validation: Annotated[Course, BeforeValidator(_null_is_empty)] = Course()


class Data(Record):
    """Which images: where they came from, how many, the hash that names them, and what was done to them."""

    kind: str = ""
    source: str = ""
    train_images: Count | None = None
    validation_images: Count | None = None
    test_images: Count | None = None
    hash: str = ""
    image_shape: Shape | None = None
    class_names: tuple[str, ...] = ()
    handling: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()


class Cost(Record):
    """What a run cost; in a study, means over seeds. `multiply_adds` is for one image."""

    parameters: Number = math.nan
    trainable: Number = math.nan
    encoder_parameters: Number = math.nan
    decoder_parameters: Number = math.nan
    multiply_adds: Number = math.nan
    train_seconds: Number = math.nan
    images_per_second: Number = math.nan
    epochs: Number = math.nan
    best_epoch: Number = math.nan
    steps: Number = math.nan
    stopped: str = ""
    sentence: str = ""
    device: str = ""
    precision: str = ""


class PcaPoint(Record):
    """One point of the PCA curve: mean over test images of the PSNR in dB."""

    components: Count
    psnr: Number = math.nan


class Checkpoint(Record):
    """Which weights were scored."""

    which: str = ""
    step: Count | None = None
    epoch: Count | None = None


class Samples(Record):
    """New images from the model: which sampler drew their latents."""

    sampler: str = ""
    count: Count = 0


class DiagnosisRecord(Record):
    """One sentence of the doctor, its remedy, and in a study the seeds that it is about.

    changes: those of the remedies that options can do, each dotted option -> value.
    """

    rule: str
    severity: Literal["error", "warning", "note"] = "note"
    sentence: str
    remedy: str = ""
    measured: dict[str, Number] = Field(default_factory=dict)
    changes: tuple[dict[str, JsonValue], ...] = ()
    seeds: tuple[Count, ...] = ()


class EvaluationRecord(Record):
    """evaluation.json of a run; `doctor` is None where an older version wrote it, which had none."""

    isthmus: str = ""
    name: str
    seed: Count
    data: Data = Data()
    checkpoint: Checkpoint = Checkpoint()
    latent_size: Size
    scores: dict[str, Score]
    noise: str | None = None
    against_pca: AgainstPca = AgainstPca()
    latent: LatentRecord = LatentRecord()
    samples: Samples = Samples()
    pca_curve: tuple[PcaPoint, ...] = ()
    cost: Cost = Cost()
    flags: tuple[str, ...] = ()
    doctor: tuple[DiagnosisRecord, ...] | None = None
    shown: tuple[Count, ...] = ()
    best: tuple[Count, ...] = ()
    worst: tuple[Count, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether it holds what every evaluation of whatever version does, and so can be compared and printed."""
        known = {"data", "checkpoint", "against_pca", "cost", "flags"} <= self.model_fields_set
        scores = [self.scores.get(who, Score()).psnr.mean for who in ("model", "pca")]
        numbers = [*scores, self.cost.multiply_adds]
        sizes = (self.scores.get("pca", Score()).components, self.data.image_shape)
        return known and not any(map(math.isnan, numbers)) and None not in sizes

    @property
    def pca_components(self) -> int:
        """As many as the latent has numbers, or fewer where there were too few training images for that."""
        return self.scores.get("pca", Score()).components or self.latent_size

    @property
    def stayed_at_pca(self) -> bool:
        """Whether the weights scored are those before the first step, which only a start at PCA has."""
        return self.checkpoint.epoch == 0


class EpochRecord(Record):
    """An epoch's line of metrics.jsonl; `validation_psnr` is the PSNR of the mean MSE `validation_mse`, in dB."""

    kind: Literal["epoch"]
    epoch: Count
    step: Count
    seconds: Finite
    validation_mse: Real | None = None
    validation_psnr: Number = math.nan


class Logged(Record):
    """A line about steps in metrics.jsonl: means since the line before."""

    kind: Literal["train"]
    epoch: Count
    step: Count
    seconds: Finite
    distortion: Real | None = None


class StudyRun(Record):
    """One seed of a variation; `folder` is relative to the study's."""

    seed: Count
    folder: str
    status: Literal["done", "failed", "missing"]
    error: str | None = None


class VariationRecord(Record):
    """One variation of a study, scores averaged over its finished seeds."""

    name: str
    about: str | None = None
    note: str | None = None
    changes: dict[str, JsonValue] = Field(default_factory=dict)
    latent_size: Size | None = None
    image_values: Size | None = None
    scores: Score | None = None
    against_pca: AgainstPca = AgainstPca()
    stayed_at_start: int = 0
    cost: Cost = Cost()
    latent: LatentRecord = LatentRecord()
    flags: tuple[str, ...] = ()
    doctor: tuple[DiagnosisRecord, ...] | None = None
    runs: tuple[StudyRun, ...] = ()

    @property
    def stayed_at_pca(self) -> bool:
        """Whether none of its runs left its start at PCA."""
        return 0 < sum(run.status == "done" for run in self.runs) == self.stayed_at_start


class Corrected(Record):
    """What is left of a verdict as one of so many `comparisons` with the same base."""

    method: str = "Holm"
    comparisons: int = 0
    p: Number = math.nan
    verdict: Literal["better", "worse", "no measurable difference"] | None = None


class Finding(Record):
    """One sentence a study concludes, with the difference behind it; what older versions wrote has no `about`."""

    kind: Literal["comparison", "pca", "failure", "note"]
    variation: str | None = None
    against: str | None = None
    measure: str | None = None
    difference: Number = math.nan
    low: Number = math.nan
    high: Number = math.nan
    p: Number = math.nan
    about: Literal["models", "choice"] | None = None
    verdict: Literal["better", "worse", "no measurable difference", "not tested"] | None = None
    corrected: Corrected | None = None
    sentence: str

    @property
    def final_verdict(self) -> str | None:
        """As one of many where it is one."""
        return self.corrected.verdict if self.corrected and self.corrected.verdict else self.verdict


class Findings(Record):
    """findings.json of a study."""

    study: str
    about: str | None = None
    seeds: tuple[Count, ...] = ()
    data: Annotated[Data, BeforeValidator(_null_is_empty)] = Data()
    intervals: str = ""
    variations: tuple[VariationRecord, ...]
    findings: tuple[Finding, ...] = ()
    command: str = ""
