"""evaluation.json of a run: scores, baselines, what the latent holds, cost, and what the doctor says.

A missing number is nan, so that a page can always say "not measured".
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from isthmus.run_files.data import Data
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.latent import LatentRecord
from isthmus.run_files.record import (
    NULL_IS_EMPTY,
    Count,
    Decibels,
    FileRecord,
    Number,
    Real,
    Record,
    Seconds,
    Size,
    SquaredError,
    Unit,
)
from isthmus.run_files.scores import IntervalRecord, MeasureRecord, Score


class Moment(Record):
    """The end of an epoch; epoch 0 is the start."""

    epoch: Count
    """The epoch."""
    step: Count
    """Optimizer steps done."""
    seconds: Seconds
    """Training time, over all sittings."""


class Course(Record):
    """A run's error on validation images beside PCA's of the same latent size, both on 8-bit output."""

    pca_mse: SquaredError | None = None
    """PCA's error."""
    epochs: Count | None = None
    """Epochs trained; only where metrics.jsonl holds every one of them, as for the two keys below."""
    lowest_ratio: Real | None = None
    """The run's lowest error over PCA's."""
    since: Moment | None = None
    """The first epoch from which on, up to the weights that were kept, the run's error was below PCA's; null where
    these weights are not below it. An epoch 0 within 0.1 % of PCA's error counts as below."""


class AgainstPca(Record):
    """The model beside PCA at the same latent size."""

    psnr: IntervalRecord = IntervalRecord()
    """Paired difference of the PSNR on test images, model minus PCA, in dB."""
    mse_ratio: Real | None = None
    """The model's mean MSE over PCA's on test images; null where PCA makes no error."""
    validation: Annotated[Course, NULL_IS_EMPTY] = Course()
    """How the two compared on validation images in training."""


class Cost(Record):
    """What a run cost; in a study, means over seeds."""

    parameters: Number = math.nan
    """Parameters as Keras counts them, statistics of batch norm included."""
    trainable: Number = math.nan
    """Parameters without those statistics."""
    encoder_parameters: Number = math.nan
    """Parameters of the encoder."""
    decoder_parameters: Number = math.nan
    """Parameters of the decoder: those that the output for a given latent depends on."""
    multiply_adds: Number = math.nan
    """Multiply-adds of one image's reconstruction."""
    train_seconds: Annotated[Number, Unit("s")] = math.nan
    """Training time, over all sittings."""
    images_per_second: Annotated[Number, Unit("1/s")] = math.nan
    """Training images a second."""
    epochs: Number = math.nan
    """Epochs trained."""
    best_epoch: Number = math.nan
    """The epoch whose weights were kept."""
    steps: Number = math.nan
    """Optimizer steps taken."""
    stopped: str = ""
    """Why training ended, as in training.json."""
    sentence: str = ""
    """The same for people."""
    device: str = ""
    """Where it was trained."""
    precision: str = ""
    """Precision of training."""


class PcaPoint(Record):
    """PCA with so many components, scored on the test images."""

    components: Count
    """Components of PCA."""
    mse: Annotated[Number, Unit("0-1")] = math.nan
    """Mean squared error."""
    psnr: Decibels = math.nan
    """Mean over images of the PSNR."""
    psnr_of_mean_mse: Decibels = math.nan
    """The PSNR of the mean MSE."""


class Checkpoint(Record):
    """Which weights were scored."""

    which: str = ""
    """`best`, or `last` where the best cannot be read."""
    step: Count | None = None
    """Optimizer steps that they had."""
    epoch: Count | None = None
    """The epoch that they are of; 0 is the start."""


class Samples(Record):
    """The new images in pictures.safetensors."""

    sampler: str = ""
    """The sampler that drew their latents."""
    count: Count = 0
    """Number of images."""


class EvaluationRecord(FileRecord):
    """evaluation.json."""

    isthmus: str = ""
    """The version that wrote it."""
    name: str
    """Name of the recipe."""
    seed: Count
    """Seed of the run."""
    data: Data = Data()
    """The images, as in environment.json."""
    checkpoint: Checkpoint = Checkpoint()
    """Which weights were scored."""
    latent_size: Size
    """How many numbers the latent of one image holds, or how many codes where it is discrete."""
    measures: dict[str, MeasureRecord] = Field(default_factory=dict)
    """What each measure in `scores` is."""
    scores: dict[str, Score]
    """`model`: its reconstruction of the clean image. `pca`: PCA with as many components as `latent_size`.
    `mean_image`: the mean training image. Where the recipe has noise, `noisy_input`: the noisy image itself, and
    `denoised`: the model's output for it, both against the clean image."""
    noise: str | None = None
    """Which noise; only where the recipe has some. Its draws are the same for every run."""
    against_pca: AgainstPca = AgainstPca()
    """The model beside PCA."""
    latent: LatentRecord = LatentRecord()
    """What the latent holds."""
    samples: Samples = Samples()
    """The new images in pictures.safetensors."""
    pca_curve: tuple[PcaPoint, ...] = ()
    """PCA with other numbers of components."""
    cost: Cost = Cost()
    """What the run cost."""
    flags: tuple[str, ...] = ()
    """Sentences that a reader has to know before the scores."""
    best: tuple[Count, ...] = ()
    """Test images with the highest PSNR, best first."""
    worst: tuple[Count, ...] = ()
    """Test images with the lowest PSNR, worst first."""
    shown: tuple[Count, ...] = ()
    """Test images that pages show: the same for every run on the same data."""
    doctor: tuple[Diagnosis, ...] | None = None
    """What the doctor found, the gravest first; empty where it found no fault."""

    @property
    def is_whole(self) -> bool:
        """Whether it holds the keys that every version writes, so that it can be compared and printed."""
        known = {"data", "checkpoint", "against_pca", "cost", "flags"} <= self.model_fields_set
        scores = [self.scores.get(who, Score()).psnr.mean for who in ("model", "pca")]
        numbers = [*scores, self.cost.multiply_adds]
        sizes = (self.scores.get("pca", Score()).components, self.data.image_shape)
        return known and not any(map(math.isnan, numbers)) and None not in sizes

    @property
    def pca_components(self) -> int:
        """The number of PCA components: the latent size, or fewer if there were too few training images."""
        return self.scores.get("pca", Score()).components or self.latent_size

    @property
    def stayed_at_pca(self) -> bool:
        """Whether the scored weights are from before the first step; only models that start as PCA keep these."""
        return self.checkpoint.epoch == 0
