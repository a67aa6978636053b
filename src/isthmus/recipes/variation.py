"""One row of a study: the base recipe with some changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.recipes.recipe import Raw, Recipe, resolve


@dataclass(frozen=True)
class Variation:
    """One row of a study: the base recipe with some changes.

    compare: the variations it is compared with. note: a sentence shown beside its numbers.
    """

    name: str
    about: str
    note: str | None
    changes: Mapping[str, Any]
    compare: tuple[str, ...]
    raw: Raw

    def recipe(self, seed: int) -> Recipe:
        return resolve({**self.raw, "name": self.name, "seed": seed})
