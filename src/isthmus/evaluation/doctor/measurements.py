"""What is measured on a run, for the doctor's checks to read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.core import registry
from isthmus.core.sorts import PART_TABLES
from isthmus.evaluation.baselines.mirroring import Mirroring
from isthmus.evaluation.doctor.diagnosis import Remedy, State
from isthmus.evaluation.doctor.learning_curve import Curve
from isthmus.evaluation.doctor.pixels import PixelStatistics
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.interfaces import Distortion
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.anomalies import AnomalyRecord
from isthmus.run_files.evaluation import EvaluationRecord

_FEW_STEPS = 100  # an optimizer's running averages need this many
_PCA_DB = 0.03  # a model that starts at PCA and is closer to it than this counts as PCA
_FEW_IMAGES = 20  # with fewer, only one or two images are held out, and each error is a matter of chance


@dataclass(frozen=True)
class TrainingCourse:
    """How a training went.

    images: number of training images. steps, pass_steps: in total, and in one pass over the training images.
    warmup_steps: of its schedule; on few images, fewer than the recipe's.
    kept: the epoch whose weights are evaluated, 0 for the start.
    validation: error on validation images by epoch, from epoch 0 on where the model started at PCA: MSE, or the loss on
    corrupted images where these chose the weights.
    """

    images: int
    steps: int
    pass_steps: int
    warmup_steps: int
    kept: int
    validation: tuple[float, ...]


@dataclass(frozen=True)
class CodeUse:
    """Use of `count` codes over `draws` positions: how many different ones were `used`, and their perplexity."""

    count: int
    draws: int
    used: int
    perplexity: float


@dataclass(frozen=True)
class Measurements:
    """What is measured of a trained model, beyond its scores, for the checks to read.

    evaluation: evaluation.json as far as it is known.
    mse: mean squared errors per pixel value in [0, 1], on rounded output, by the images: "train", "validation", "test",
        "shuffled": validation images, decoded from the latents of other images; "negatives": test images with dark
        and bright exchanged; "noisy train", "noisy validation": outputs for corrupted images, beside the clean ones,
        where corrupted images chose the weights.
    spread: (D,) variances of the latent's numbers over training images.
    kl: (D,) mean KL of each number in nats, where the bottleneck reports it by number.
    narrowed: k -> MSE of validation images decoded from the latent's k widest principal directions only, for k from
        all directions down by halves; empty where the latent is not a vector of numbers.
    from_prior: KL in nats per number from all latents together to the prior, both taken as Gaussians; None without one.
    codes: use of the codes on training and test images, where the latent has codes.
    pixels: of "train", "validation" and "test". own_test: whether the test images came with the data set; otherwise
        they were drawn from it.
    twins: the share of test images that are nearly identical to a training image.
    curve: (share of the training, error) from the log: validation errors, or distortions if there are few epochs.
    anomalies: how well its errors tell labelled anomalies from normal pictures, where that was scored.
    """

    recipe: Recipe
    model: Autoencoder
    evaluation: EvaluationRecord
    mse: Mapping[str, float]
    spread: np.ndarray
    kl: np.ndarray | None
    narrowed: Mapping[int, float]
    from_prior: float | None
    codes: CodeUse | None
    pixels: Mapping[str, PixelStatistics]
    own_test: bool
    twins: float
    mirroring: Mirroring
    training: TrainingCourse
    curve: Curve
    anomalies: AnomalyRecord | None = None

    @property
    def state(self) -> State:
        """How far the run came, which decides which checks apply."""
        over = self.evaluation.against_pca.psnr
        handful = max(_FEW_STEPS, self.training.warmup_steps + self.training.warmup_steps // 2)
        if self.training.steps < handful and not over.low > 0:
            return "untrained"
        if self.model.linear is None:
            return "trained"
        same = self.training.kept == 0 or -_PCA_DB < over.low <= over.high < _PCA_DB
        return "at_pca" if same else "trained"

    @property
    def likelihood(self) -> bool:
        """Whether its distortion is a likelihood in nats, which sets its own price for rate."""
        distortion: type[Distortion] = registry.find("distortions", self.recipe.distortion.kind)
        return distortion.nats

    @property
    def squares(self) -> bool:
        """Whether it is held against PCA of squares."""
        return bool(self.evaluation.scores["pca"].square)

    @property
    def yardstick(self) -> str:
        """PCA in words, with the reason if it has fewer components than the latent has numbers."""
        count, images = self.evaluation.scores["pca"].components or 0, self.training.images
        fixed = f", as many as {images} images determine" if count == images - 1 < self.model.latent_size else ""
        return f"{self.evaluation.yardstick}{fixed}"

    def on_enough_images(self, remedies: Sequence[Remedy]) -> Sequence[Remedy]:
        """`remedies`, or "use more images" where nothing else can help.

        That is so with fewer than 20 training images, and at PCA with as many components as the images determine: its
        training error is already zero.
        """
        fixed = self.state == "at_pca" and not self.squares and self.training.images <= self.model.latent_size
        return [Remedy("use more images")] if fixed or self.training.images < _FEW_IMAGES else remedies

    def option(self, path: str) -> Any:
        """The value of a recipe's option by its dotted path; None where there is no such option."""
        value: Any = self.recipe.table()
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def has_option(self, path: str) -> bool:
        """Whether a part of the recipe has the option, such as "objective.free_nats", set or not."""
        table, _, option = path.partition(".")
        return option in registry.options(registry.find(PART_TABLES[table], getattr(self.recipe, table).kind))

    def longer(self, times: int = 2) -> dict[str, Any]:
        """The changes that train `times` as long."""
        train = self.recipe.train
        if train.seconds is not None:  # the time limit may have ended the training before its last epoch
            return self.trained_for(times * self.training.steps)
        planned = max(train.epochs * self.training.pass_steps, train.least_steps)
        return self.trained_for(times * min(planned, train.steps or planned))

    def trained_for(self, steps: int) -> dict[str, Any]:
        """The changes that let a training last `steps`: they raise every limit that would end it earlier."""
        train, changes = self.recipe.train, dict[str, Any]()
        epochs = -(-steps // self.training.pass_steps)
        if epochs > train.epochs:
            changes["train.epochs"] = epochs
        if train.steps is not None and train.steps < steps:
            changes["train.steps"] = steps
        if train.seconds is not None:
            changes["train.seconds"] = math.ceil(train.seconds * steps / max(self.training.steps, 1))
        return changes
