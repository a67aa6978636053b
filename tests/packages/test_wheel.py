"""The wheel brings the explorer's script: an environment without npm and compiler writes the explorer."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from tests.command import assert_refused, isthmus
from tests.conftest import ROOT

from isthmus.pages.explorer import assets

_WORDS = ("data.train=120", "data.test=12", "train.epochs=1", "train.batch=16", "-q", "--offline", "--explore")


def test_a_study_says_before_training_that_it_cannot_write_the_explorer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "FOLDER", tmp_path / "nothing")
    answer = isthmus("study", "digits", "-q", "--explore", "-o", tmp_path / "study")
    assert_refused(answer, "explorer's script was not built")
    assert not (tmp_path / "study").exists()
    assert_refused(isthmus("explore", tmp_path), "explorer's script was not built")


def python(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, env={**os.environ, **environment}
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="the wheel is built with hatchling, of the extra dev")
    if not assets.is_built():
        pytest.skip(f"the explorer's script is not built: {assets.REMEDY}")
    folder = tmp_path_factory.mktemp("wheel")
    made = python(
        *("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT),
        ISTHMUS_EXPLORER="built",
    )
    assert made.returncode == 0, made.stderr
    (found,) = folder.glob("isthmus-*.whl")
    return found


@pytest.mark.slow
def test_the_wheel_holds_the_explorer_and_stays_small(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in assets.FILES:
        assert f"isthmus/pages/explorer/bundle/{name}" in names
    assert not [name for name in names if "node_modules" in name or name.startswith(("tests/", "web/"))]
    assert wheel.stat().st_size < 8_000_000


@pytest.mark.slow
def test_the_wheel_in_an_empty_environment_writes_a_study_and_its_explorer(wheel: Path, tmp_path: Path) -> None:
    """Its dependencies are those of this environment: installing PyTorch again would take minutes."""
    made = python("-m", "venv", "--without-pip", tmp_path / "venv")
    assert made.returncode == 0, made.stderr
    home = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    installed = python("-m", "pip", "--python", home / "python", "install", "--no-index", "--no-deps", "--quiet", wheel)
    assert installed.returncode == 0, installed.stderr
    site = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "venv")}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {
        "PATH": str(home),  # neither npm nor a compiler
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    words = [str(home / "isthmus"), "study", "demo", *_WORDS]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "demo" / "report.html").is_file()
    explorer = tmp_path / "runs" / "demo" / "explorer.html"
    assert explorer.stat().st_size > (assets.FOLDER / "runtime.wasm.gz").stat().st_size
    ours = subprocess.run(
        [str(home / "python"), "-c", "import isthmus; print(isthmus.__file__)"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert Path(ours.stdout.strip()).is_relative_to(tmp_path), ours
