"""Recipes: every default resolved, every mistake named with its path, its value and the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.study_toml import NARROW_AND_WIDE, study_toml

from isthmus.core import registry
from isthmus.core.errors import InputError
from isthmus.recipes import study_plan
from isthmus.recipes.recipe import Recipe, apply, parse_overrides, read_toml, resolve
from isthmus.recipes.study_plan import load_plan, load_recipe


def test_a_resolved_recipe_reads_back_as_itself(tiny: Callable[..., Recipe], tmp_path: Path) -> None:
    """The file alone is enough to rerun."""
    recipe = tiny({"corruption.kind": "gaussian", "train.patience_epochs": 4})
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.toml())
    assert resolve(read_toml(path)) == recipe
    assert recipe.table()["corruption"]["std"] == 0.1, "defaults are written out"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("bottleneck.dimm=3", "bottleneck.dimm: unknown for 'vector' (did you mean 'dim'?)"),
        ("bottleneck.dim=0", "bottleneck.dim: 0 does not fit"),
        ("bottleneck.dim=ten", "bottleneck.dim: 'ten' does not fit"),
        ("bottleneck.kind=vektor", "no bottleneck is called 'vektor' (did you mean 'vector'?)"),
        ("train.epoch=3", "train.epoch: unknown option (did you mean 'epochs'?)"),
        ("train.epochs=2.5", "train.epochs: 2.5 does not fit"),
        ("train.optimizer=sgdd", "train.optimizer: 'sgdd' does not fit"),
        ("trian.epochs=3", "trian: unknown in a recipe (did you mean 'train'?)"),
        ("a=b", "a: unknown in a recipe; it has about, architecture"),
        ("train.seed=1", "train.seed: unknown; it stands outside of the tables, write seed="),
        ("split.siid=1", "split.siid: unknown option; split takes validation, test"),
        ("architecture.strides=[1,2,2,7]", "kernel 3 is smaller than stride 7"),
        ("seed=-1", "seed: -1 does not fit"),
        ("data.kind=imagenet", "no data is called 'imagenet'"),
        ("split.validation=1.5", "split.validation: 1.5 does not fit"),
        ("architecture.filters=[]", "architecture"),
        ("train=3", "train: 3 does not fit: give a table"),
        ("train.device=tpu", "train.device: 'tpu'"),
    ],
)
def test_a_wrong_option_is_named_with_its_path(change: str, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        recipe = load_recipe("post/latent-10", parse_overrides([change]))
        # what depends on the image's shape or on the machine is found when the parts are built
        from isthmus.models.autoencoder import Autoencoder
        from isthmus.training.devices import choose_device

        choose_device(recipe.train.device)
        Autoencoder(recipe, (3, 32, 32))


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a.b=16", 16),
        ("a.b=1e-3", 1e-3),
        ("a.b=true", True),
        ("a.b=[1, 2]", [1, 2]),
        ('a.b="x y"', "x y"),
        ("a.b=parquet", "parquet"),
        ("a.b=../data/x.parquet", "../data/x.parquet"),
        ("a.b=C=D", "C=D"),
    ],
)
def test_override_values_are_toml_or_bare_words(word: str, value: Any) -> None:
    assert parse_overrides([word]) == {"a.b": value}


@pytest.mark.parametrize("word", ["bottleneck.dim", "=3", "a.b=[1,", 'a.b="x'])
def test_a_malformed_override_is_refused(word: str) -> None:
    with pytest.raises(InputError):
        parse_overrides([word])


def test_a_new_kind_starts_from_its_own_defaults_whatever_the_order() -> None:
    """Options of the part that is replaced are dropped, options given for the new part are kept."""
    raw = {"corruption": {"kind": "gaussian", "std": 0.5}}
    changed = apply(raw, {"corruption.seed": 7, "corruption.kind": "frozen"})
    assert changed == {"corruption": {"kind": "frozen", "seed": 7}}
    assert raw == {"corruption": {"kind": "gaussian", "std": 0.5}}, "the original is not touched"


def test_a_recipe_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    path.write_text("format = 99\n")
    with pytest.raises(InputError, match=r"newer isthmus.*upgrade"):
        load_recipe(str(path))


@pytest.mark.parametrize("value", [2, True, "1"])
def test_a_newer_format_is_refused_as_an_option_too(value: object) -> None:
    with pytest.raises(InputError, match=r"newer isthmus.*upgrade"):
        load_recipe("post/latent-10", {"format": value})
    assert load_recipe("post/latent-10", {"format": 1}) == load_recipe("post/latent-10")


@pytest.mark.parametrize("name", study_plan.builtin())
def test_every_recipe_that_comes_with_isthmus_resolves(name: str) -> None:
    """And says on top how it is run."""
    raw = study_plan.describe(name)
    assert raw[0], "a recipe says what it is about"
    if raw[1]:
        loaded = load_plan(name)
        assert loaded.variations
        for variation in loaded.variations:
            variation.recipe(0)
            assert load_recipe(f"{name}/{variation.name}").bottleneck == variation.recipe(0).bottleneck
    else:
        load_recipe(name)


STUDY = study_toml(NARROW_AND_WIDE.replace("narrow", "a").replace("wide", "b").replace("8", "5"))


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_a_study_file_gives_variations_and_seeds(tmp_path: Path) -> None:
    loaded = load_plan(write(tmp_path, STUDY), {"seeds": 3, "train.epochs": 2})
    assert loaded.name == "mine"
    assert loaded.seeds == (0, 1, 2)
    assert [v.recipe(1).bottleneck.options["dim"] for v in loaded.variations] == [3, 5]
    assert {v.recipe(1).train.epochs for v in loaded.variations} == {2}, "overrides hold in every variation"
    assert load_plan(write(tmp_path, STUDY), {"seeds": [7, 9]}).seeds == (7, 9)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace('compare = "a"', 'compare = "c"'), "compared with 'c'"),
        (lambda text: text.replace('name = "b"', 'name = "a"'), "two variations are named"),
        (lambda text: text.replace('name = "b"', 'name = "../b"'), "variation.2.name"),
        (
            lambda text: text.replace('name = "b"', 'name = "é"'),
            "'é' does not fit: it becomes a folder's name; begin",
        ),
        (lambda text: text.replace('name = "b"', 'name = "a b"'), "letter from A to Z or a digit"),
        (lambda text: 'title = "x"', "not a study; it needs a [base] table"),
        (lambda text: "variation = []", "not a study; it needs a [base] table"),
        (lambda text: text.partition("[[variation]]")[0], "and a [[variation]] with a name"),
        (lambda text: text.replace("dim = 5", "dim = 3"), "'a' and 'b' are the same recipe"),
        (lambda text: text.replace("[[variation]]", "[[variations]]"), "not a study"),
        (lambda text: text + "[[", "not a TOML file"),
        (lambda text: "seeds = 0\n" + text, "seeds: 0 does not fit"),
        (lambda text: text.replace("compare", "compares"), "did you mean 'compare'"),
    ],
)
def test_a_wrong_study_is_refused_with_a_reason(tmp_path: Path, change: Callable[[str], str], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        load_plan(write(tmp_path, change(STUDY)))


def test_an_override_that_makes_variations_equal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"same recipe under bottleneck\.dim"):
        load_plan(write(tmp_path, STUDY), {"bottleneck.dim": 4})


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pots", "did you mean 'post'"),
        ("post", "a study of"),
        ("post/latent-11", "did you mean 'latent-10'"),
        ("nowhere.toml", "no such file"),
        ("/post/latent-10", "/post/latent-10: no such recipe"),
        ("../x", "../x: no such recipe"),
    ],
)
def test_an_unknown_recipe_is_named_with_the_nearest(name: str, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        load_recipe(name)


def test_kinds_are_found_without_importing_torch() -> None:
    """`isthmus --help` and `isthmus list` must answer at once."""
    import subprocess
    import sys

    script = (
        "import sys, isthmus.cli, isthmus.core.registry as r, isthmus.core.sorts as t; [r.kinds(s) for s in t.SORTS]; "
        "print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
    assert registry.kinds("bottlenecks")


@pytest.mark.parametrize(
    ("option", "needs"), [("matrix_scale", "train.optimizer=muon"), ("linear_scale", "model.linear=pca")]
)
def test_an_option_that_would_do_nothing_is_refused(option: str, needs: str) -> None:
    with pytest.raises(InputError, match=rf"train\.{option}: has no effect without {needs}"):
        load_recipe("post/latent-10", {"model.linear": "none", f"train.{option}": 0.3})
    table, _, rest = needs.partition(".")
    name, _, value = rest.partition("=")
    assert load_recipe("post/latent-10", {f"train.{option}": 0.3, f"{table}.{name}": value})
