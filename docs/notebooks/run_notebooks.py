"""Run the notebooks of this folder, and keep what they show: `python docs/notebooks/run_notebooks.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def executed(notebook: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs, run in `folder`. Raises CellExecutionError where a cell fails."""
    content = nbformat.read(notebook, as_version=4)
    client = NotebookClient(content, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    for cell in content.cells:
        cell.metadata.pop("execution", None)  # the time of day of every step
    return content


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.ipynb")):
        with tempfile.TemporaryDirectory() as empty:
            nbformat.write(executed(path, Path(empty)), path)
        print(path)
