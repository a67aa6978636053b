"""The notebooks of docs/notebooks and docs/lessons are executed as they stand, and show what they promise."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from tests.command import environment
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "docs" / "notebooks"))
from run_notebooks import LESSONS, RUN, executed

FIRST = ROOT / "docs" / "notebooks" / "first-steps.ipynb"
KEPT = [*RUN, *sorted(LESSONS.glob("*/*.ipynb"))]
# What the words of a lesson say about its numbers, as code that runs after it. A lesson without such words has none.
CLAIMS = {path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parent / "claims").glob("*.py")}


def outputs(notebook: Any) -> list[dict[str, str]]:
    """Of every cell, by kind; printed text has the kind `text/plain`."""
    found: list[dict[str, str]] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found.append(dict(output.data) if "data" in output else {"text/plain": output.text})
    return found


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_notebook_in_the_repository_shows_its_outputs(path: Path) -> None:
    """Readers on GitHub see it as it was run here: whole, with no path of that machine, and small."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run all, in order"
    assert all(cell.outputs for cell in code), "every cell shows something"
    text = path.read_text(encoding="utf-8")
    assert len(text) < 500_000
    assert not re.search(r"[\"' ](/home|/tmp|/root|/work|/Users)\b", text)
    for output in outputs(notebook):
        shown = output.get("text/html", "")
        assert "<script" not in shown and "<style" not in shown
        assert "<progress" not in shown, "a bar stayed behind"
    for cell in code:
        ast.parse(cell.source)


@pytest.mark.slow  # .ci/run runs them
@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_the_notebook_runs_as_it_stands(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(ISTHMUS_DATA=str(tmp_path / "cache"), JUPYTER_PLATFORM_DIRS="1").items():
        monkeypatch.setenv(name, value)
    made = executed(path, tmp_path, afterwards=CLAIMS.get(path.stem, ""))
    kept = nbformat.read(path, as_version=4)
    shown = [sorted(output) for output in outputs(made)]
    assert shown == [sorted(output) for output in outputs(kept)], "as many outputs of the same kinds"
    if path == FIRST:
        views = [output["text/html"] for output in outputs(made) if output["text/plain"].startswith(("Run(", "Study("))]
        assert len(views) == 2
        assert all("data:image/png;base64," in view and "PCA" in view for view in views)
        first = next(output for output in outputs(made) if "text/html" in output)
        assert len(first["text/plain"].splitlines()) == 3, "what was done to the pictures, the start and the end"


def test_claims_are_of_lessons_that_exist() -> None:
    assert set(CLAIMS) <= {path.stem for path in RUN}


@pytest.mark.parametrize("path", [path for path in RUN if path.parent == LESSONS], ids=lambda path: path.stem)
def test_a_lesson_ends_with_things_to_try_and_a_question(path: Path) -> None:
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    *_, try_it, question = cells
    assert try_it.startswith("## ") and all(f"\n{number}. " in try_it for number in (1, 2, 3))
    assert question.startswith("## ") and "<details>" in question and "</details>" in question


def test_a_claim_that_does_not_hold_is_found(tmp_path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("a = 1")]), tmp_path / "one.ipynb")
    kept = executed(tmp_path / "one.ipynb", tmp_path, afterwards="assert a == 1")
    assert len(kept.cells) == 1, "the check leaves no cell"
    with pytest.raises(CellExecutionError):
        executed(tmp_path / "one.ipynb", tmp_path, afterwards="assert a == 2")
