"""What a training in a folder tells beside its steps, epochs and previews."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isthmus.recipes.recipe import Recipe


@dataclass(frozen=True)
class Started:
    """Yielded when training begins or goes on: how far it is and how far it can go."""

    folder: Path
    recipe: Recipe
    step: int
    total_steps: int
    images_per_epoch: int
    device: str
    precision: str


@dataclass(frozen=True)
class Notice:
    """Yielded for a sentence the user should read."""

    sentence: str
