"""What a place for the events of trainings must have. There is one file for each, which loads its library late."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from isthmus.recipes.recipe import Recipe
from isthmus.run_files.arrays import PixelArray


class Log(ABC):
    """The log of one run that is open."""

    @abstractmethod
    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Values at an optimizer step; names such as `train/loss`, units as in metrics.jsonl and evaluation.json."""

    @abstractmethod
    def pictures(self, step: int, name: str, pixels: PixelArray) -> None:
        """One picture (H, W, C) uint8 at an optimizer step."""

    @abstractmethod
    def close(self) -> None:
        """Write what is not written yet."""


class Sink(ABC):
    """Where logs of runs go. Making one raises InputError where its library is not installed."""

    @abstractmethod
    def begin(self, folder: Path, recipe: Recipe, step: int) -> Log:
        """The log of the run in `folder`, which goes on at optimizer step `step`, 0 for a new run."""
