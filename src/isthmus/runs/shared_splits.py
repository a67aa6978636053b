"""The images of a study's runs, read once for all variations with the same data."""

from __future__ import annotations

import json

from isthmus.data.splits import Splits, content_hashes, data_hash
from isthmus.recipes.recipe import Recipe
from isthmus.runs.load import load_data


class SharedSplits:
    """The splits of a recipe, one set in memory at a time; variations on the same images share them."""

    def __init__(self) -> None:
        self.key = ""
        self.splits: Splits | None = None
        self.tests: dict[str, str] = {}

    def of(self, recipe: Recipe) -> Splits:
        table = recipe.table()
        key = json.dumps([table["data"], table["split"]])
        if self.splits is None or key != self.key:
            self.splits = None  # free the memory before reading the next one
            self.key, self.splits = key, load_data(recipe)
        return self.splits

    def forget(self) -> None:
        """Free the memory."""
        self.key, self.splits = "", None

    def test_hash(self, recipe: Recipe) -> str:
        """Hash of the recipe's test images: equal hashes mean equal images in the same order."""
        splits = self.of(recipe)
        if self.key not in self.tests:
            self.tests[self.key] = data_hash(content_hashes(splits.test.images))
        return self.tests[self.key]
