"""Every example of a docstring is run, in a folder that holds the runs that the examples name."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import shutil
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.study_toml import NARROW_AND_WIDE, study_toml

import isthmus as ist
from isthmus.kernels import choose
from isthmus.pages.explorer import is_built

SOURCE = ROOT / "src"
SMALL = {"train.epochs": 1, "train.kernels": "torch", "train.least_steps": 1}
NOISE = {"corruption.least_std": 0.0, "corruption.std": 0.4}  # as the recipe `denoiser` has it


def examples() -> dict[str, doctest.DocTest]:
    """name -> the examples of a module's, a class's or a function's docstring, in every file that has some."""
    found: dict[str, doctest.DocTest] = {}
    for file in sorted((SOURCE / "isthmus").rglob("*.py")):
        if ">>> " not in file.read_text(encoding="utf-8"):
            continue
        module = importlib.import_module(".".join(file.relative_to(SOURCE).with_suffix("").parts))
        for test in doctest.DocTestFinder(recurse=True).find(module, module.__name__.removesuffix(".__init__")):
            if test.examples:
                found[test.name] = test
    return found


EXAMPLES = examples()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`runs/digits-10` and `runs/denoiser`, runs of the study `digits`, and `runs/pair`, a study of two variations."""
    home = tmp_path_factory.mktemp("examples")
    (home / "pair.toml").write_text(
        study_toml(
            NARROW_AND_WIDE,
            data=["train = 60", "test = 10", "size = 16"],
            train=["epochs = 1", 'device = "cpu"', 'kernels = "torch"'],
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISTHMUS_DATA", str(home / "cache"))
        ist.train("digits/latent-10", out=home / "runs" / "digits-10", options=SMALL, show_progress=False)
        ist.train("digits/denoise", out=home / "runs" / "denoiser", options={**SMALL, **NOISE}, show_progress=False)
        ist.study(home / "pair.toml", out=home / "runs" / "pair", show_progress=False)
    return home


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_says_what_happens(
    name: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "ist.explore(" in (EXAMPLES[name].docstring or "") and not is_built():
        pytest.skip("the explorer's script is not built")
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(choose, "why_unavailable", lambda: "compiling takes longer than the example")
    test = EXAMPLES[name]
    if name.rpartition(".")[2] in ist.__all__:
        test.globs.clear()  # a user has what the example imports; whoever reads a module has the module
    said = io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()):
        outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.write, clear_globs=False)
    assert outcome.attempted
    assert not outcome.failed, said.getvalue()


def test_every_public_name_has_an_example() -> None:
    with_example = {name.rpartition(".")[2] for name in EXAMPLES}
    assert set(ist.__all__) <= with_example
