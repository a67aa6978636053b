"""evaluation.json of a run: scores, baselines, measures of the latent, cost, and what the doctor says.

A missing number is nan, so that a page can always say "not measured".
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from isthmus.core.wording import pca_of
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
    """Training time, over all sessions."""


class Course(Record):
    """A run's error on validation images compared with PCA's at the same latent size, both on output
    rounded to the images' depth."""

    pca_mse: SquaredError | None = None
    """PCA's error."""
    epochs: Count | None = None
    """Epochs trained. This key and the next two are there only if metrics.jsonl holds every epoch."""
    lowest_ratio: Real | None = None
    """The run's lowest error divided by PCA's."""
    since: Moment | None = None
    """The epoch since which the run's error was below PCA's, up to the epoch of the kept weights; null if these are
    not below it. An epoch 0 within 0.1 % of PCA's error counts as below."""


class AgainstPca(Record):
    """The model compared with PCA at the same latent size."""

    psnr: IntervalRecord = IntervalRecord()
    """Paired difference of the PSNR on test images, model minus PCA, in dB."""
    mse_ratio: Real | None = None
    """The model's mean MSE on test images divided by PCA's; null if PCA's is 0."""
    validation: Annotated[Course, NULL_IS_EMPTY] = Course()
    """How they compared on validation images during training."""


class Cost(Record):
    """What a run cost; in a study, means over seeds."""

    parameters: Number = math.nan
    """Parameters as Keras counts them, statistics of batch norm included."""
    trainable: Number = math.nan
    """Parameters without statistics of batch norm."""
    encoder_parameters: Number = math.nan
    """Parameters of the encoder."""
    decoder_parameters: Number = math.nan
    """Parameters of the decoder: those that affect the output for a given latent."""
    multiply_adds: Number = math.nan
    """Multiply-adds to reconstruct one image."""
    train_seconds: Annotated[Number, Unit("s")] = math.nan
    """Training time, over all sessions."""
    images_per_second: Annotated[Number, Unit("1/s")] = math.nan
    """Training images per second."""
    epochs: Number = math.nan
    """Epochs trained."""
    best_epoch: Number = math.nan
    """The epoch whose weights were kept."""
    steps: Number = math.nan
    """Optimizer steps taken."""
    stopped: str = ""
    """Why training ended, as in training.json."""
    sentence: str = ""
    """The same as a sentence."""
    device: str = ""
    """Device of training."""
    precision: str = ""
    """Precision of training."""


class PcaPoint(Record):
    """PCA's scores on the test images with a given number of components."""

    components: Count
    """Number of components."""
    mse: Annotated[Number, Unit("0-1")] = math.nan
    """Mean squared error."""
    psnr: Decibels = math.nan
    """The PSNR, mean over images."""
    psnr_of_mean_mse: Decibels = math.nan
    """The PSNR of the mean MSE."""


class Checkpoint(Record):
    """Which weights were scored."""

    which: str = ""
    """`best`, or `last` if the best cannot be read."""
    step: Count | None = None
    """Optimizer steps done when they were saved."""
    epoch: Count | None = None
    """Their epoch; 0 is the start."""


class Samples(Record):
    """The new images in pictures.safetensors."""

    sampler: str = ""
    """The sampler that drew their latents."""
    count: Count = 0
    """Number of images."""


class EvaluationRecord(FileRecord):
    """evaluation.json."""

    isthmus: str = ""
    """Version of isthmus that wrote the file."""
    name: str
    """Name of the recipe."""
    seed: Count
    """Seed of the run."""
    data: Data = Data()
    """The images, as in environment.json."""
    checkpoint: Checkpoint = Checkpoint()
    """Which weights were scored."""
    latent_size: Size
    """Numbers in the latent of one image; codes, if it is discrete."""
    measures: dict[str, MeasureRecord] = Field(default_factory=dict)
    """Descriptions of the measures in `scores`."""
    scores: dict[str, Score]
    """`model`: its reconstruction of the clean image. `pca`: PCA with as many components as `latent_size`.
    Where the model starts at PCA of squares, so is this. `mean_image`: the mean training image. If the recipe has
    noise, `noisy_input`: the noisy image itself, and `denoised`: the model's output for it, both compared with the
    clean image."""
    noise: str | None = None
    """Description of the noise, if the recipe has any. Every run gets the same noise."""
    against_pca: AgainstPca = AgainstPca()
    """The model compared with PCA."""
    against_noisy: IntervalRecord = IntervalRecord()
    """Paired difference of the PSNR, `denoised` minus `noisy_input`, in dB; only if the recipe has noise."""
    explained_variance: Number = math.nan
    """Explained variance on test images: 1 minus the model's mean MSE divided by that of the mean image. Older versions
    did not write it."""
    latent: LatentRecord = LatentRecord()
    """Measures of the latent."""
    samples: Samples = Samples()
    """The new images in pictures.safetensors."""
    pca_curve: tuple[PcaPoint, ...] = ()
    """PCA with other numbers of components."""
    pca_curve_images: Count | None = None
    """Test images, evenly spread, on which `pca_curve` is measured; only if these are not all test images."""
    cost: Cost = Cost()
    """What the run cost."""
    chosen_on: str = ""
    """The images whose loss chose the weights, as `train.monitor`; empty in files of older versions."""
    flags: tuple[str, ...] = ()
    """Sentences to read before the scores."""
    best: tuple[Count, ...] = ()
    """Test images with the highest PSNR, best first."""
    worst: tuple[Count, ...] = ()
    """Test images with the lowest PSNR, worst first."""
    shown: tuple[Count, ...] = ()
    """Test images that pages show: the same for every run on the same data."""
    doctor: tuple[Diagnosis, ...] | None = None
    """What the doctor found, most serious first; empty if it found no fault."""

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
    def yardstick(self) -> str:
        """PCA in words: `PCA with 64 components`."""
        return pca_of(self.pca_components, self.scores.get("pca", Score()).square or 0)

    @property
    def removes_noise(self) -> bool:
        """Whether what it makes of noisy images was measured."""
        return math.isfinite(self.against_noisy.mean + self.against_noisy.low + self.against_noisy.high)

    @property
    def is_denoiser(self) -> bool:
        """Whether corrupted images chose its weights: then what it makes of noise comes before how it copies images."""
        return self.chosen_on == "corrupted-validation" and self.removes_noise

    @property
    def stayed_at_pca(self) -> bool:
        """Whether the scored weights are from before the first step; only models that start as PCA keep these."""
        return self.checkpoint.epoch == 0
