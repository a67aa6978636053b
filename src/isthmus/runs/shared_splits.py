"""The images of a study's runs, read once for all variations with the same data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeVar

from isthmus.data.splits import Splits
from isthmus.recipes.recipe import Recipe
from isthmus.runs.load import load_data

R = TypeVar("R")


class SharedSplits:
    """Splits by recipe, one at a time: variations on the same images share them.

    test_hashes: of all splits that were read so far, `hash` -> `test_hash`.
    """

    def __init__(self) -> None:
        self.key = ""
        self.splits: Splits | None = None
        self.test_hashes: dict[str, str] = {}

    def groups(self, rows: Sequence[tuple[R, Recipe]]) -> list[list[tuple[R, Recipe]]]:
        """The rows that share their images, so that a pass over all reads each data set once; in the rows' order."""
        found: dict[str, list[tuple[R, Recipe]]] = {}
        for row, recipe in rows:
            found.setdefault(_key(recipe), []).append((row, recipe))
        return list(found.values())

    def of(self, recipe: Recipe) -> Splits:
        key = _key(recipe)
        if self.splits is None or key != self.key:
            self.splits = None  # free the memory before reading the next one
            self.key, self.splits = key, load_data(recipe)
            self.test_hashes[self.splits.hash] = self.splits.test_hash
        return self.splits

    def forget(self) -> None:
        """Free the memory."""
        self.key, self.splits = "", None


def _key(recipe: Recipe) -> str:
    table = recipe.table()
    return json.dumps([table["data"], table["split"]])
