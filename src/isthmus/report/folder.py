"""Read what a run or a study left on disk; nothing here computes a score."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow.parquet
import safetensors
from numpy.typing import NDArray
from pydantic import JsonValue, TypeAdapter, ValidationError
from safetensors.numpy import load_file

from isthmus.errors import InputError
from isthmus.report.record import Record
from isthmus.report.schema import Epoch, Evaluation, Findings

Pixels = NDArray[np.uint8]
R = TypeVar("R", bound=Record)
_JSON_OBJECT = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class RunFolder:
    """An evaluated run.

    pictures: the tensors of pictures.safetensors, (n, 3, H, W) uint8 each; empty where there is no such file.
    labels: test image index -> class name, where the data has classes.
    notices: what was wrong with the files and did not stop the page.
    """

    path: Path
    evaluation: Evaluation
    epochs: tuple[Epoch, ...]
    environment: Mapping[str, JsonValue]
    recipe: str
    pictures: Mapping[str, Pixels]
    labels: Mapping[int, str]
    notices: tuple[str, ...]


@dataclass(frozen=True)
class StudyFolder:
    """A study; `runs` holds its evaluated runs by the folder name that findings.json gives them."""

    path: Path
    findings: Findings
    runs: Mapping[str, RunFolder]


@dataclass(frozen=True)
class Subject:
    """What a page compares: a variation and its evaluated runs, one a seed. `colour` is its place in the palette."""

    name: str
    colour: int
    runs: tuple[RunFolder, ...]


def read_run(folder: Path) -> RunFolder:
    """Read an evaluated run. Raises InputError where evaluation.json is missing or a file is damaged."""
    evaluation = _read_record(folder / "evaluation.json", Evaluation, "evaluate the run first")
    epochs, notices = _read_epochs(folder / "metrics.jsonl")
    return RunFolder(
        folder,
        evaluation,
        epochs,
        _read_environment(folder / "environment.json"),
        _read_text(folder / "recipe.toml"),
        _read_pictures(folder / "pictures.safetensors"),
        _read_labels(folder / "per_image.parquet", evaluation.data.class_names),
        notices,
    )


def read_study(folder: Path) -> StudyFolder:
    """Read a study and those of its runs that are done. Raises InputError as `read_run` does."""
    findings = _read_record(folder / "findings.json", Findings, "run the study first")
    done = [run.folder for v in findings.variations for run in v.runs if run.status == "done"]
    return StudyFolder(folder, findings, {name: read_run(folder / name) for name in done})


def _read_text(path: Path, *, errors: str = "strict") -> str:
    try:
        return path.read_text(encoding="utf-8", errors=errors)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error


def _read_record(path: Path, record: type[R], remedy: str) -> R:
    text = _read_text(path)
    if not text:
        raise InputError(f"{path}: is missing or empty; {remedy}")
    try:
        # json rather than pydantic's parser: Python writes NaN and Infinity, which strict JSON has not
        return record.model_validate(json.loads(text))
    except ValueError as error:  # JSONDecodeError and ValidationError are both ValueErrors
        raise _damaged(path, error) from error


def _read_environment(path: Path) -> Mapping[str, JsonValue]:
    try:
        return _JSON_OBJECT.validate_python(json.loads(_read_text(path) or "{}"))
    except InputError:
        raise
    except ValueError as error:
        raise _damaged(path, error) from error


def _read_epochs(path: Path) -> tuple[tuple[Epoch, ...], tuple[str, ...]]:
    """The epoch lines in order. A run killed in mid-line leaves a torn line and repeats epochs on resuming:
    the last line of an epoch counts, torn lines are counted and named."""
    epochs: dict[int, Epoch] = {}
    torn = 0
    for line in _read_text(path, errors="replace").splitlines():
        try:
            values = json.loads(line)
            if values["kind"] == "epoch":
                epoch = Epoch.model_validate(values)
                epochs[epoch.epoch] = epoch
        except (ValueError, KeyError, TypeError):
            torn += 1
    lines = "1 unreadable line" if torn == 1 else f"{torn} unreadable lines"
    notices = (f"{path.name} holds {lines}; the training curves leave them out.",) if torn else ()
    return tuple(epochs[number] for number in sorted(epochs)), notices


def _read_pictures(path: Path) -> Mapping[str, Pixels]:
    if not path.exists():
        return {}
    try:
        return load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise _damaged(path, error) from error


def _read_labels(path: Path, class_names: tuple[str, ...]) -> Mapping[int, str]:
    if not path.exists() or not class_names:
        return {}
    try:
        parquet: Any = pyarrow.parquet.ParquetFile(path)  # pyarrow ships no types
        if not {"index", "label"} <= set(parquet.schema_arrow.names):
            return {}
        table: dict[str, list[int]] = parquet.read(columns=["index", "label"]).to_pydict()
    except (OSError, pyarrow.ArrowException) as error:
        raise _damaged(path, error) from error
    pairs = zip(table["index"], table["label"], strict=True)
    return {index: class_names[label] for index, label in pairs if 0 <= label < len(class_names)}


def _damaged(path: Path, error: Exception) -> InputError:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        reason = " ".join(str(error).split())
    return InputError(f"{path}: cannot be read ({reason}); run or evaluate again to write it anew")
