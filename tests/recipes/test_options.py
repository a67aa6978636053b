"""Options of a recipe: what a list says of them, near names, and whole numbers that are written as floats."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.command import isthmus

from isthmus.core import option_words, registry
from isthmus.core.errors import InputError
from isthmus.core.sorts import SORTS
from isthmus.recipes.options import TABLES, Outside
from isthmus.recipes.recipe import parse_overrides
from isthmus.recipes.study_plan import load_plan, load_recipe
from isthmus.recipes.study_tables import BudgetTable, StudyTable, VariationTable


@pytest.mark.parametrize("table", [*TABLES.values(), Outside, StudyTable, VariationTable], ids=lambda one: one.__name__)
def test_every_option_says_what_it_is(table: Any) -> None:
    for name, words in option_words.of_table(table).items():
        assert words.about or name == "budget", name
        assert words.type
    assert option_words.of_table(BudgetTable)["seconds"].unit == "seconds"


@pytest.mark.parametrize("sort", SORTS)
def test_every_option_of_a_part_says_what_it_is(sort: str) -> None:
    for kind in registry.kinds(sort):
        part = registry.described(sort, kind)
        for name, words in option_words.of_part(part.doc, part.options).items():
            assert words.about, f"{sort}.{kind}: {name} is not explained under `Options:` of the docstring"
            assert "as for every data set" not in words.about


@pytest.mark.parametrize("name", [*TABLES, "seed"])
def test_a_table_is_listed_with_type_default_and_unit(name: str) -> None:
    (row,) = json.loads(isthmus("list", name, "--json").out)
    text = isthmus("list", name).out
    for option, words in row["options"].items():
        assert f"      {option} " in text
        assert words["about"] in text
    if name == "train":
        assert row["options"]["epochs"] == {
            "type": "int >= 1",
            "default": 20,
            "needed": False,
            "unit": "epochs",
            "about": "passes over the training images",
        }


def test_a_table_of_a_recipe_lists_its_parts() -> None:
    assert isthmus("list", "data").out == isthmus("list", "datasets").out
    (row,) = json.loads(isthmus("list", "bottleneck", "vq", "--json").out)
    assert row["name"] == "vq"
    answer = isthmus("list", "bottleneck", "vqq")
    assert answer.code == 2
    assert "did you mean 'vq'" in answer.err
    assert isthmus("list", "schema", "recipes").code == 2


def test_one_option_and_one_part_can_be_listed() -> None:
    assert isthmus("list", "train.epochs").out == isthmus("list", "train", "epochs").out
    assert len(isthmus("list", "train.epochs").out.splitlines()) == 3
    assert "did you mean 'epochs'" in isthmus("list", "train.epoch").err
    assert "did you mean `isthmus list datasets folder`" in isthmus("list", "folder").err


@pytest.mark.parametrize(
    ("change", "near", "listing"),
    [
        ("train.epoch=3", "(did you mean 'epochs'?)", "`isthmus list train`"),
        ("split.tests=0.2", "(did you mean 'test'?)", "`isthmus list split`"),
        ("bottleneck.dimm=4", "(did you mean 'dim'?)", "`isthmus list bottlenecks`"),
        ("train.warmup=4", "(did you mean 'warmup_steps'?)", "`isthmus list train`"),
        ("train.scale=4", "'matrix_scale', 'linear_scale' or 'schedule'", "`isthmus list train`"),
        ("epochs=3", "write train.epochs", ""),
    ],
)
def test_an_unknown_option_names_near_ones_and_the_list(change: str, near: str, listing: str) -> None:
    with pytest.raises(InputError) as told:
        load_recipe("post/latent-10", parse_overrides([change]))
    assert near in str(told.value)
    assert listing in str(told.value)


def test_a_whole_float_is_an_integer_where_one_is_asked_for() -> None:
    changes = ["train.epochs=1e3", "architecture.filters=[8.0,16.0,16,16]", "seed=2.0", "split.limit=1e2"]
    recipe = load_recipe("post/latent-10", parse_overrides(["data.kind=scenes", "data.train=4e2", *changes]))
    found = [recipe.train.epochs, recipe.seed, recipe.split.limit, recipe.data.options["train"]]
    found += recipe.architecture.options["filters"]
    assert found == [1000, 2, 100, 400, 8, 16, 16, 16]
    assert {type(one) for one in found} == {int}, "recipe.toml is the same as with 1000"
    assert recipe.train.learning_rate == 1e-3
    assert load_plan("demo", {"seeds": 2.0}).seeds == (0, 1)


@pytest.mark.parametrize("value", ["1.5", "1e300", "nan", "inf", "true", "-1e3", "'1e3'"])
def test_other_floats_are_refused(value: str) -> None:
    with pytest.raises(InputError, match=r"train\.epochs"):
        load_recipe("post/latent-10", parse_overrides([f"train.epochs={value}"]))


def test_all_faults_of_a_recipe_are_told() -> None:
    words = ["train.epoch=3", "train.batch=0", "bottleneck.dim=-1", "data.kind=scens", "seed=-1"]
    with pytest.raises(InputError) as told:
        load_recipe("post/latent-10", parse_overrides(words))
    for path in ("train.epoch:", "train.batch:", "bottleneck.dim:", "data.kind:", "seed:"):
        assert f"\n  - {path}" in str(told.value)
