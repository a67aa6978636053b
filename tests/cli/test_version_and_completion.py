"""`isthmus --version` and what a shell completes."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import pytest
import torch
from tests.command import environment, isthmus
from tests.conftest import ROOT

import isthmus as package
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
    ],
)
def test_a_shell_completes(words: tuple[str, ...], found: list[str]) -> None:
    assert completed(*words) == found


def test_every_option_of_training_is_completed() -> None:
    from isthmus.cli.complete import recipe_options

    assert {f"train.{name}=" for name in Train.model_fields} == set(recipe_options("train."))


def test_completing_loads_no_torch() -> None:
    """A key press must not wait for it."""
    code = (
        "import sys; from isthmus.cli import complete; complete.recipe_options('tr'); complete.recipe_names('po'); "
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
