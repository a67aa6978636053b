"""The examples in docstrings and in docs/sklearn.md work as they stand there, and print what they say."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "sklearn.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"\d+\.\d+")

pytestmark = pytest.mark.usefixtures("cache_of_module")


@pytest.mark.parametrize(("module", "needs"), [("sklearn.image_autoencoder", "sklearn"), ("pyod", "pyod")])
def test_docstrings(module: str, needs: str) -> None:
    pytest.importorskip(needs)
    found = doctest.testmod(importlib.import_module(f"isthmus.{module}"))
    assert found.attempted > 3
    assert not found.failed


def test_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (block,) = (found for found in re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL) if "sklearn" in found)
    *_, accuracy, share, outliers = block.strip().splitlines()
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert 0.8 < eval(accuracy, names) < 1
    assert 0.6 < eval(share, names) < 1
    assert -1 in eval(outliers, names)


@pytest.mark.slow
def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block by block, in one namespace; printed shares may differ by 0.04 between processors."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = re.findall(r"```(python|text)\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 5
    printed = ""
    for language, block in blocks:
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(block, "docs/sklearn.md", "exec"), names)
            printed = output.getvalue()
            continue
        assert NUMBER.sub("#", printed).split() == NUMBER.sub("#", block).split()
        said, told = ([float(one) for one in NUMBER.findall(text)] for text in (printed, block))
        assert told == pytest.approx(said, abs=0.04 if "latent" in block else 0.11)
    assert (tmp_path / "runs" / "digits-residual" / "report.html").is_file()
