"""The JSON schemas accept our own recipes and studies, and see the mistakes that a schema can see."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import Any

import jsonschema
import pytest
from tests.command import isthmus

from isthmus.recipes.schema import SCHEMAS, recipe_schema, study_schema
from isthmus.recipes.study_plan import builtin, load_recipe

RECIPE, STUDY = (jsonschema.Draft7Validator(schema()) for schema in (recipe_schema, study_schema))


def builtin_file(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files("isthmus") / "recipes" / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", builtin())
def test_our_own_files_are_valid(name: str) -> None:
    raw = builtin_file(name)
    validator = STUDY if "base" in raw else RECIPE
    validator.check_schema(validator.schema)
    assert [error.message for error in validator.iter_errors(raw)] == []


@pytest.mark.parametrize("name", ["dense", "vae", "post/denoise", "families/masked", "families/residual-vq"])
def test_a_resolved_recipe_is_valid(name: str) -> None:
    assert RECIPE.is_valid(load_recipe(name).table())


@pytest.mark.parametrize(
    "change",
    [
        {"train": {"epoch": 3}},
        {"train": {"epochs": 0}},
        {"train": {"epochs": 1.5}},
        {"train": {"optimizer": "sgdd"}},
        {"bottleneck": {"kind": "vector"}},
        {"bottleneck": {"kind": "vector", "dimm": 3}},
        {"bottleneck": {"kind": "vektor", "dim": 3}},
        {"bottleneck": {"dim": 3}},
        {"split": {"validation": 1.5}},
        {"trian": {}},
        {"seed": -1},
    ],
    ids=str,
)
def test_mistakes_in_a_recipe_are_seen(change: dict[str, Any]) -> None:
    raw = builtin_file("dense")
    assert RECIPE.is_valid(raw)
    assert not RECIPE.is_valid({**raw, **change})


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({"grid": {"bottleneck.dim": [1, 2], "architecture": {"filters": [[8]]}}}, True),
        ({"grid": {"mine": [{"name": "a", "objective.weights.kl": 1.0}]}}, True),
        ({"grid": {"bottleneck": [{"kind": "vq"}]}}, True),
        ({"seeds": [1, 2], "compare": "latent-10", "limit": 4, "grid": {"train.epochs": [1e1]}}, True),
        ({"variation": [{"name": "a", "changes": {"objective": {"weights": {"kl": 1.0}}}}]}, True),
        ({"grid": {"bottleneck.dim": 3}}, False),
        ({"grid": {"bottleneck.dimm": [3]}}, False),
        ({"grid": {"train.epochs": ["x"]}}, False),
        ({"variation": [{"name": "a", "changes": {"train.epoch": 3}}]}, False),
        ({"variation": [{"changes": {}}]}, False),
        ({"variation": [{"name": "a", "compares": "b"}]}, False),
        ({"seeds": "two"}, False),
        ({"seed": 1}, False),
        ({"budget": {"seconds": -1}}, False),
    ],
    ids=str,
)
def test_studies_are_checked(change: dict[str, Any], valid: bool) -> None:
    assert STUDY.is_valid({**builtin_file("post"), **change}) is valid


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_command_prints_the_schema(name: str) -> None:
    found = json.loads(isthmus("list", "schema", name).out)
    assert found == SCHEMAS[name]()
    assert (
        found["definitions"]["train"]["properties"]["epochs"]["description"]
        == "passes over the training images (epochs)"
    )
