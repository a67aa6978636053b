"""The contract on every part of isthmus: whoever adds a file to a part's folder is tested before writing a test."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from isthmus.core import registry
from isthmus.core.sorts import PART_TABLES, SORTS
from isthmus.recipes.recipe import Recipe
from isthmus.testing import contract

# for options that have no default
VALUES = {"dim": 3, "filters": [4, 5], "strides": [2, 2], "path": "images"}

test_contract = contract("isthmus", **VALUES)

PARTS = [(sort, kind) for sort in SORTS for kind in registry.kinds(sort)]


@pytest.mark.parametrize(("sort", "kind"), PARTS)
def test_a_part_is_one_short_class(sort: str, kind: str) -> None:
    """A part's file holds one public class, under 120 lines."""
    assert len(Path(inspect.getfile(registry.find(sort, kind))).read_text().splitlines()) <= 120


@pytest.mark.parametrize(("sort", "kind"), PARTS)
def test_parts_of_one_sort_do_not_import_each_other(sort: str, kind: str) -> None:
    tree = ast.parse(Path(inspect.getfile(registry.find(sort, kind))).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    others = {f"{SORTS[sort].package}.{other}" for other in registry.kinds(sort) if other != kind}
    assert not imported & others


def test_a_recipe_has_a_part_of_each_sort_that_recipes_choose() -> None:
    assert {field.name for field in fields(Recipe) if field.type == "Part"} == set(PART_TABLES)
