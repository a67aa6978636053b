"""What is measured of a run, for the doctor's checks to read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.core import registry
from isthmus.core.wording import components
from isthmus.evaluation.baselines.mirroring import Mirroring
from isthmus.evaluation.doctor.diagnosis import Remedy, State
from isthmus.evaluation.doctor.learning_curve import Curve
from isthmus.evaluation.doctor.pixels import Pixels
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.recipe import PART_TABLES, Recipe
from isthmus.run_files.evaluation import EvaluationRecord

_FEW_STEPS = 100  # an optimizer's own averages take as many
_PCA_DB = 0.03  # nearer to PCA than this, weights are PCA's
_FEW_IMAGES = 20  # of fewer, what is held out to judge by is an image or two, and each error a matter of chance


@dataclass(frozen=True)
class TrainingCourse:
    """How a training went.

    images: how many it learned from. steps, pass_steps: taken in all, and in one pass over the training images.
    warmup_steps: of its schedule, which on few images has less than the recipe.
    kept: the epoch whose weights are judged, 0 for the start.
    validation: error of validation images by epoch, from epoch 0 on where the model began with PCA.
    """

    images: int
    steps: int
    pass_steps: int
    warmup_steps: int
    kept: int
    validation: tuple[float, ...]


@dataclass(frozen=True)
class CodeUse:
    """Which of `count` codes were seen in so many `draws`: how many differ, and as how many equally frequent ones."""

    count: int
    draws: int
    used: int
    perplexity: float


@dataclass(frozen=True)
class Measurements:
    """What is measured of a trained model, beyond its scores, for the checks to read.

    evaluation: evaluation.json as far as it is known.
    mse: mean squared errors per pixel value in [0, 1], on 8-bit output, by the images: "train", "validation", "test",
        "shuffled": validation images against what was decoded from each other's latents; "negatives": of test images
        with dark and bright exchanged.
    spread: (D,) variances of the latent's numbers over training images.
    kl: (D,) mean KL of each number, nats, where the bottleneck states it so.
    narrowed: number of the latent's widest principal directions -> MSE of validation images decoded from these alone,
        from all of them down by halves; empty where the latent is no vector of numbers.
    from_prior: nats per number from the prior to all latents together, both taken as Gaussians, where there is one.
    codes: of training and test images, where the latent has codes.
    pixels: of "train", "validation" and "test". own_test: whether the test images came with the data set, rather than
        being drawn from it.
    twins: the share of test images that are all but equal to a training image.
    curve: (share of the training, error) from the log: validation errors, or distortions where there are few epochs.
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
    pixels: Mapping[str, Pixels]
    own_test: bool
    twins: float
    mirroring: Mirroring
    training: TrainingCourse
    curve: Curve

    @property
    def state(self) -> State:
        """How far the run came: which checks have something to say of it depends on that."""
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
        return bool(getattr(registry.find("distortions", self.recipe.distortion.kind), "nats", False))

    @property
    def components(self) -> str:
        """PCA's, in words: "8 components", with the reason where they are fewer than the latent has numbers."""
        count, images = self.evaluation.scores["pca"].components or 0, self.training.images
        fixed = f", as many as {images} images can fix" if count == images - 1 < self.model.latent_size else ""
        return f"{components(count)}{fixed}"

    def on_enough_images(self, remedies: Sequence[Remedy]) -> Sequence[Remedy]:
        """These, or more images, where nothing else can help.

        So it is with fewer than 20 training images, and at PCA with as many components as the images fix: it makes no
        error in training that could be lowered.
        """
        fixed = self.training.images <= self.model.latent_size and self.state == "at_pca"
        return [Remedy("use more images")] if fixed or self.training.images < _FEW_IMAGES else remedies

    def option(self, path: str) -> Any:
        """An option of the recipe by its dotted path, None where it has no such option."""
        value: Any = self.recipe.table()
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def takes(self, path: str) -> bool:
        """Whether a part of the recipe has the option, such as "objective.free_nats", set or not."""
        table, _, option = path.partition(".")
        return option in registry.options(registry.find(PART_TABLES[table], getattr(self.recipe, table).kind))

    def longer(self, times: int = 2) -> dict[str, Any]:
        """The changes that train so many times as long."""
        train = self.recipe.train
        if train.seconds is not None:  # it may have ended the training before its epochs did
            return self.trained_for(times * self.training.steps)
        planned = max(train.epochs * self.training.pass_steps, train.least_steps)
        return self.trained_for(times * min(planned, train.steps or planned))

    def trained_for(self, steps: int) -> dict[str, Any]:
        """The changes with which a training is as long: of every limit that would end it earlier."""
        train, changes = self.recipe.train, dict[str, Any]()
        epochs = -(-steps // self.training.pass_steps)
        if epochs > train.epochs:
            changes["train.epochs"] = epochs
        if train.steps is not None and train.steps < steps:
            changes["train.steps"] = steps
        if train.seconds is not None:
            changes["train.seconds"] = math.ceil(train.seconds * steps / max(self.training.steps, 1))
        return changes
