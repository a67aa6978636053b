"""Run notebooks, and keep what they show: `python docs/notebooks/run_notebooks.py [NOTEBOOK ...]`, by default all.

A lesson in another language has the cells of code of the English one, so it gets the same outputs and is not run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
LESSONS = HERE.parent / "lessons"
RUN = (*sorted(HERE.glob("*.ipynb")), *sorted(LESSONS.glob("*.ipynb")))


def executed(notebook: Path, folder: Path, *, afterwards: str = "") -> nbformat.NotebookNode:
    """The notebook with its outputs, run in `folder`. Raises CellExecutionError where a cell fails.

    afterwards: code to run after the notebook, such as checks of what it claims; it leaves no cell.
    """
    content = nbformat.read(notebook, as_version=4)
    checks = [nbformat.v4.new_code_cell(afterwards)] if afterwards else []
    content.cells += checks
    client = NotebookClient(
        content,
        timeout=600,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    content.cells = content.cells[: len(content.cells) - len(checks)]
    for cell in content.cells:
        cell.metadata.pop("execution", None)  # the time of day of every step
    return content


def translations(lesson: Path) -> list[Path]:
    """The same lesson in other languages: `ko/NAME.ipynb`."""
    return sorted(lesson.parent.glob(f"*/{lesson.name}"))


def keep_outputs(lesson: Path, translation: Path) -> None:
    """Write the outputs of `lesson` into `translation`. Raises ValueError where their cells of code differ."""
    original, other = nbformat.read(lesson, as_version=4), nbformat.read(translation, as_version=4)
    ran = [cell for cell in original.cells if cell.cell_type == "code"]
    code = [cell for cell in other.cells if cell.cell_type == "code"]
    if [cell.source for cell in ran] != [cell.source for cell in code]:
        raise ValueError(f"{translation}: its code differs from that of {lesson}; copy it from there")
    for cell, source in zip(code, ran, strict=True):
        cell.outputs, cell.execution_count = source.outputs, source.execution_count
    nbformat.write(other, translation)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else RUN:
        with tempfile.TemporaryDirectory() as empty:
            nbformat.write(executed(path, Path(empty)), path)
        print(path)
        for one in translations(path):
            keep_outputs(path, one)
            print(one)
