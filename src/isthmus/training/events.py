"""What a training in a folder reports besides its steps, epochs and previews."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isthmus.recipes.recipe import Recipe


@dataclass(frozen=True)
class Started:
    """Yielded when training starts or resumes: its progress so far, and its limits."""

    folder: Path
    recipe: Recipe
    step: int
    total_steps: int
    images_per_epoch: int
    device: str
    precision: str


@dataclass(frozen=True)
class Notice:
    """A sentence that the user should read."""

    sentence: str
