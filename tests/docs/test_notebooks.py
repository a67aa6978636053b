"""The notebooks of docs/notebooks are executed as they stand, and show what they promise."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from tests.command import environment
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "docs" / "notebooks"))
from run_notebooks import executed

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def outputs(notebook: Any) -> list[dict[str, str]]:
    """Of every cell, by kind; printed text has the kind `text/plain`."""
    found: list[dict[str, str]] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found.append(dict(output.data) if "data" in output else {"text/plain": output.text})
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_in_the_repository_shows_its_outputs(path: Path) -> None:
    """Readers on GitHub see it as it was run here: whole, with no path of that machine, and small."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run all, in order"
    assert all(cell.outputs for cell in code)
    text = path.read_text(encoding="utf-8")
    assert len(text) < 200_000
    assert not re.search(r"[\"' ](/home|/tmp|/root|/work|/Users)\b", text)
    for output in outputs(notebook):
        shown = output.get("text/html", "")
        assert "<script" not in shown and "<style" not in shown
        assert "<progress" not in shown, "a bar stayed behind"
    for cell in code:
        ast.parse(cell.source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_as_it_stands(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(ISTHMUS_DATA=str(tmp_path / "cache"), JUPYTER_PLATFORM_DIRS="1").items():
        monkeypatch.setenv(name, value)
    made, kept = executed(path, tmp_path), nbformat.read(path, as_version=4)
    shown = [sorted(output) for output in outputs(made)]
    assert shown == [sorted(output) for output in outputs(kept)], "as many outputs of the same kinds"
    views = [output["text/html"] for output in outputs(made) if output["text/plain"].startswith(("Run(", "Study("))]
    assert len(views) == 2
    assert all("data:image/png;base64," in view and "PCA" in view for view in views)
    first = next(output for output in outputs(made) if "text/html" in output)
    assert len(first["text/plain"].splitlines()) == 3, "what was done to the pictures, the start and the end"
