"""A recipe made ready for `isthmus.training.loop.train`, where a benchmark must hold the model it trains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from isthmus.model import Autoencoder, build_objective
from isthmus.recipe import Recipe
from isthmus.splits import Splits
from isthmus.training import loop, machine
from isthmus.training.batches import Batches
from isthmus.training.optimizers import build_optimizer


@dataclass
class Engine:
    """Everything that one training needs, on its device."""

    recipe: Recipe
    model: Autoencoder
    objective: nn.Module
    batches: Batches
    validation: Tensor
    precision: str
    progress: loop.Progress = field(default_factory=loop.Progress)

    def steps(self) -> Iterator[loop.Step | loop.Epoch]:
        """Train, as `isthmus train` does."""
        return loop.train(
            self.model,
            self.objective,
            build_optimizer(self.model.parameters(), self.recipe.train),
            self.batches,
            self.validation,
            self.recipe.train,
            self.progress,
            precision=self.precision,
            seed=self.recipe.seed,
        )

    def validation_mse(self) -> float:
        """Per pixel value in [0, 1], on 8-bit output; leaves the model in training mode."""
        scores = loop.validate(self.model, self.objective, self.validation, precision=self.precision)
        self.model.train()
        return scores["validation_mse"]

    def wait(self) -> None:
        """Until the device has done all it was given."""
        if self.model.device.type == "cuda":
            torch.cuda.synchronize()


def prepare(recipe: Recipe, splits: Splits) -> Engine:
    """Build the recipe's model and put the images of `splits` on the recipe's device."""
    machine.keep_freed_memory()
    device = machine.choose_device(recipe.train.device)
    torch.manual_seed(recipe.seed)
    model = Autoencoder(recipe, splits.train.images.shape[1:]).to(device, memory_format=torch.channels_last)
    return Engine(
        recipe,
        model,
        build_objective(recipe, model).to(device),
        Batches(torch.from_numpy(splits.train.images).to(device), recipe.train.batch, seed=recipe.seed),
        torch.from_numpy(splits.validation.images).to(device),
        machine.choose_precision(recipe.train.precision, device),
    )
