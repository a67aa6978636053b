"""`isthmus --version` and what a shell completes."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tests.command import environment, isthmus
from tests.conftest import ROOT

import isthmus as package
from isthmus.cli.complete import recipe_options
from isthmus.core import registry
from isthmus.core.sorts import PART_TABLES, SORTS
from isthmus.recipes.recipe import Train


def test_the_version_comes_first_then_what_a_training_would_run_on() -> None:
    answer = isthmus("--version")
    assert (answer.code, answer.err) == (0, "")
    first, *others = answer.out.splitlines()
    assert first == f"isthmus {package.__version__}"
    about = dict(line.split(maxsplit=1) for line in others)
    assert list(about) == ["python", "torch", "device", "kernels"]
    assert about["torch"] == torch.__version__
    assert about["device"].startswith(("cpu: ", "cuda", "mps"))


def completed(*words: str) -> list[str]:
    """What bash would offer for the last word."""
    done = subprocess.run(
        [sys.executable, "-m", "isthmus"],
        env=environment(
            _ISTHMUS_COMPLETE="complete_bash",
            COMP_WORDS=" ".join(["isthmus", *words]),
            COMP_CWORD=str(len(words)),
        ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("eval",), ["evaluate"]),
        (("train", "fam"), ["families"]),
        (("train", "digits/la"), ["digits/latent-2", "digits/latent-10"]),
        (("train", "vae", "--keep"), ["--keep-optimizer"]),
        (("train", "vae", "train.epo"), ["train.epochs="]),
        (("train", "vae", "bottleneck.ki"), ["bottleneck.kind="]),
        (("train", "vae", "bottleneck.kind=vq", "bottleneck.co"), ["bottleneck.codes="]),
        (("train", "post/latent-10", "bottleneck.d"), ["bottleneck.dim="]),
        (("study", "post", "architecture.fi"), ["architecture.filters="]),
        (("train", "no-such-recipe", "bottleneck.d"), []),
        (("train", "vae", "objective.wei"), ["objective.weights="]),
    ],
)
def test_a_shell_completes(words: tuple[str, ...], found: list[str]) -> None:
    assert completed(*words) == found


def context(name: str, *changes: str) -> Any:
    """What was typed before the word that is completed."""
    return SimpleNamespace(params={"name": name, "changes": changes})


def test_every_option_of_training_is_completed() -> None:
    assert {f"train.{name}=" for name in Train.model_fields} == set(recipe_options(context("vae"), "train."))


@pytest.mark.parametrize("sort", PART_TABLES.values())
def test_every_option_of_a_part_is_completed(sort: str) -> None:
    table = SORTS[sort].table
    for kind in registry.kinds(sort):
        named = {f"{table}.{name}=" for name in registry.described(sort, kind).options}
        assert {f"{table}.kind=", *named} == set(recipe_options(context("vae", f"{table}.kind={kind}"), f"{table}."))


def test_the_options_of_a_run_folder_are_those_of_its_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text('[bottleneck]\nkind = "fsq"\n')
    assert "bottleneck.levels=" in recipe_options(context(str(tmp_path)), "bottleneck.")


def test_the_options_of_a_study_are_those_of_all_its_variations(tmp_path: Path) -> None:
    study = tmp_path / "mine.toml"
    base = '[base.bottleneck]\nkind = "vector"\n'
    study.write_text(
        f"{base}[[variation]]\nname = 'a'\n[[variation]]\nname = 'b'\nchanges = {{bottleneck.kind = 'vq'}}\n"
    )
    found = recipe_options(context(str(study)), "bottleneck.")
    assert {"bottleneck.dim=", "bottleneck.codes="} <= set(found) and len(found) == len(set(found))
    assert "bottleneck.codes=" not in recipe_options(context(f"{study}/a"), "bottleneck.")
    study.write_text(f"{base}[grid]\n'bottleneck.kind' = ['fsq', 'vector']\n")
    assert "bottleneck.levels=" in recipe_options(context(str(study)), "bottleneck.")
    study.write_text("base = 3\nvariation = 4\ngrid = 5")
    assert recipe_options(context(str(study)), "bottleneck.") == ["bottleneck.kind="]


def test_completing_loads_no_torch() -> None:
    """A key press must not wait for it."""
    code = (
        "import sys; from isthmus.cli import complete; import types; "
        "ctx = types.SimpleNamespace(params={'name': 'post/latent-10', 'changes': ['data.kind=folder']}); "
        "assert 'bottleneck.dim=' in complete.recipe_options(ctx, 'bottleneck.'); "
        "assert 'data.size=' in complete.recipe_options(ctx, 'data.'); complete.recipe_names('po'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env=environment()).returncode == 0


def test_completion_can_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # tests may run below no shell
    assert "complete_bash" in isthmus("--show-completion", "bash").out


def test_the_citation_names_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"\nversion: {project['version']}\n" in text
    assert f"\nlicense: {project['license']}\n" in text
    assert "The isthmus developers" in text
